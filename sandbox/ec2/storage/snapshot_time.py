"""How many snapshots of a volume may be taken at once, and how long each of them takes.

A snapshot copies what was written to its volume since the volume's last snapshot, or since the
snapshot of which the volume was made: "The first snapshot that you create from a volume is always a
full snapshot [...] Subsequent snapshots [...] include only changed and new data blocks written to
the volume since the last snapshot was created".
(https://docs.aws.amazon.com/ebs/latest/userguide/how_snapshots_work.html)

Where AWS leaves something open, the slower reading is taken:
- Only a snapshot that was complete when the next one was requested spares it its blocks.
- A volume made of another account's snapshot, or encrypted by another key, is copied as a whole,
  with what came from there; one made of a snapshot of one's own is not.
- A block is 512 KiB, as in EBS's direct APIs, and counts as a whole. Of a root, whose blocks a host
  of the sandbox lacks, each file counts as a whole of which anything changed, its mode included.
- What a snapshot copies waits until the older snapshots of its volume are complete.
"""

from collections.abc import Iterable

from sandbox.ec2.errors import ec2_error
from sandbox.ec2.model import Snapshot, Volume
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.transitions import NEVER

GIB = 2**30
# "Concurrent snapshots per [...] volume":
# https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html
MOST_AT_ONCE = 5
MOST_AT_ONCE_ON_HDD = 1
HDD_TYPES = ("st1", "sc1")
# "Wait at least 15 seconds between concurrent volume snapshots":
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
SPACING_SECONDS = 15


def check_limits(region: Region, volumes: Iterable[Volume]) -> None:
    """Raise EC2's error if too many snapshots of a volume are unfinished, or one is too recent.

    CreateImage has these limits, too:
    https://repost.aws/knowledge-center/backup-image-creation-throttled
    Of those that failed, each counts until it is deleted. The spacing is kept with the latency
    `aws` only, like the limits of all requests.
    """
    queue, now = region.snapshot_queue, region.core.clock.now().timestamp()
    for volume in volumes:
        most = MOST_AT_ONCE_ON_HDD if volume.volume_type in HDD_TYPES else MOST_AT_ONCE
        if queue.count_unfinished(volume.id) >= most:
            message = "Maximum allowed in-progress snapshots for a single volume exceeded."
            raise ec2_error("ConcurrentSnapshotLimitExceeded", message)
        since = queue.seconds_since_request(volume.id, now)
        if since < SPACING_SECONDS and region.core.latency.limits_requests:
            message = "The maximum per volume CreateSnapshot request rate has been exceeded."
            raise ec2_error(
                "SnapshotCreationPerVolumeRateExceeded",
                f"{message} Use an increasing or variable sleep interval between requests.",
            )


def find_base(region: Region, volume: Volume) -> str | None:
    """Return the snapshot whose blocks a snapshot that is requested now does not copy again."""
    complete = [
        snapshot
        for snapshot in region.snapshots.values()
        if snapshot.volume_id == volume.id and snapshot.state == "completed"
    ]
    if complete:
        return complete[-1].id
    source = region.snapshots.get(volume.snapshot_id or "")
    if source is None or source.owner_id != region.account_id:
        return None
    same_key = (source.encrypted, source.kms_key_id) == (volume.encrypted, volume.kms_key_id)
    return source.id if same_key else None


def copied_bytes(region: Region, snapshot: Snapshot, image_id: str | None = None) -> int:
    """Return what a snapshot copies, once its content is there; of a root in the image's layers.

    To compare all files takes time: where nothing depends on it, nothing is compared. Do not hold
    the lock.
    """
    machines = region.core.machines
    if not region.core.latency.counts_bytes:
        return 0
    if not snapshot.is_root:
        return machines.changed_in_snapshot(snapshot.id, snapshot.since)
    if image_id:
        return machines.changed_in_image(image_id, snapshot.since)
    with region.core.lock:
        volume = region.volumes.get(snapshot.volume_id)
        attachment = volume.attachment if volume else None
    # A root without its host has no content here, and nothing can be made of its snapshot.
    return machines.changed_in_root(attachment.instance_id, snapshot.since) if attachment else 0


def let_copying_last(region: Region, snapshot: Snapshot, copied: int) -> None:
    """Let a snapshot last as long as copying takes, from when older ones of its volume are copied.

    Do not hold the lock.
    """
    queue = region.snapshot_queue
    with region.core.lock:
        after = queue.copied_until(snapshot.volume_id)
        seconds = seconds_to_copy(region, copied)
        end = region.transitions.extend(snapshot.id, "snapshot", seconds, after)
        if end != NEVER:  # a fault holds this one alone
            queue.copies_until(snapshot.volume_id, end)


def seconds_to_copy(region: Region, copied: int) -> float:
    """Return how much longer a snapshot takes that copies so many bytes."""
    return region.core.latency.seconds("snapshot-gib") * copied / GIB
