"""Snapshots of the builder's disks that are taken before its image, which so is complete sooner.

"You might find it more efficient to create snapshots of your volumes before creating your AMI. This
way, only small, incremental snapshots need to be created when the AMI is created" (EC2 user guide,
"Create an Amazon EBS-backed AMI"). They are an aid: without them the image takes longer, and is the
same. It does not need them later: "When you delete a snapshot, only the data not needed for any
other snapshot is removed" (EC2 API reference, DeleteSnapshot).
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from notebake.aws import tags
from notebake.aws.images import remove_snapshots
from notebake.aws.kinds import SNAPSHOT, list_kind
from notebake.aws.model import Instance
from notebake.aws.shared_describe import BY_RUN, POLL_SECONDS, describe_shared
from notebake.aws.snapshots import create_snapshot
from notebake.aws.volumes import device_names
from notebake.errors import WaitTimeoutError
from notebake.ledger.attempt import Attempt
from notebake.record import Record
from notebake.runs import tag_repair
from notebake.runs.attempt_store import list_attempts
from notebake.runs.attempts import close_as_removed, find_even_if_late, record_attempt
from notebake.runs.run import Run
from notebake.timeouts import EARLY_SNAPSHOT_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
ROLE = "early-snapshot"


class EarlySnapshot(Record):
    """A snapshot of a disk of a builder."""

    id: str
    volume_id: str
    state: str
    progress: str = ""


def disks_of_builder(run: Run, builder: Instance) -> list[str]:
    """Return the ids of the volumes that come with the builder and become part of its image.

    A volume that was there before the run is its owner's, and the run takes no snapshot of it by
    itself.
    """
    devices = device_names(run.recipe)
    other = {
        devices[volume.name]
        for volume in run.recipe.volumes
        if volume.volume_id or not volume.is_in_image
    }
    return [volume for device, volume in builder.volume_ids.items() if device not in other]


def find_snapshots(run: Run, volume_id: str = "") -> list[EarlySnapshot]:
    """Return the run's early snapshots in any state, or those of one volume.

    The tag names the volume: a copy of the snapshot has another one, and is not ours.
    """
    makers = tag_repair.attempts_named(run, f"{ROLE}-")

    def is_early(shown: Mapping[str, Any]) -> bool:
        marks = tags.as_dict(shown.get("Tags"))
        is_marked = marks.get(tags.ROLE) == ROLE and marks.get(tags.VOLUME) == shown["VolumeId"]
        return is_marked or shown["SnapshotId"] in makers

    found = describe_shared(run.region, SNAPSHOT, BY_RUN, run.id, only=is_early)
    untagged = sorted(makers.keys() - {shown["SnapshotId"] for shown in found})
    found = [*found, *list_kind(run.region, SNAPSHOT, SNAPSHOT.id_filter, untagged)]
    snapshots = [_with_lost_tags(run, shown, makers) for shown in found]
    return [each for each in snapshots if volume_id in ("", each.volume_id)]


def _with_lost_tags(
    run: Run, shown: Mapping[str, Any], makers: Mapping[str, Attempt]
) -> EarlySnapshot:
    tag_repair.repair_tags(run, shown["SnapshotId"], tags.as_dict(shown.get("Tags")), makers)
    return EarlySnapshot(
        id=shown["SnapshotId"],
        volume_id=shown["VolumeId"],
        state=shown["State"],
        progress=shown.get("Progress") or "0%",
    )


def ensure_snapshot(run: Run, builder: Instance, volume_id: str) -> str:
    """Return the id of the early snapshot of a disk, requesting it unless it is there.

    Raises:
        CloudError: EC2 refused.
    """
    name = _attempt_name(volume_id)
    if found := find_even_if_late(run, name, partial(find_snapshots, run, volume_id)):
        return found[0].id
    marks = tags.tags_for(run, ROLE, **{tags.BUILDER: builder.id, tags.VOLUME: volume_id})
    made = record_attempt(
        run,
        name,
        {"of": volume_id},
        lambda: create_snapshot(volume_id, f"Ahead of the image of {run.id}", marks, run.region),
        marks=marks,
        ids=lambda snapshot_id: (snapshot_id,),
    )
    log.info("Requested %s of %s", made, volume_id)
    return made


def wait_until_copied(run: Run, builder: Instance) -> None:
    """Wait until no early snapshot of the builder is pending, or the wait has taken too long.

    EBS completes the snapshots of a volume in their order, so the image would wait as well; and
    whether it is spared the blocks of a pending snapshot, AWS does not say.
    (https://repost.aws/knowledge-center/ebs-snapshot-stuck)
    """
    own = set(builder.volume_ids.values())

    def pending() -> list[EarlySnapshot]:
        found = find_snapshots(run)
        return [each for each in found if each.state == "pending" and each.volume_id in own]

    try:
        wait_until(
            lambda: True if not pending() else None,
            what="the snapshots ahead of the image",
            timeout_seconds=EARLY_SNAPSHOT_SECONDS,
            interval_seconds=POLL_SECONDS,
            progress=lambda: ", ".join(each.progress for each in pending()),
        )
    except WaitTimeoutError as error:
        log.warning("%s Requesting the image all the same", error.message)


def remove_early_snapshots(run: Run) -> None:
    """Delete the early snapshots of all builders of the run, even if EC2 shows them late."""
    attempts = [each for each in list_attempts(run) if each.name.startswith(f"{ROLE}-")]
    for volume_id in dict.fromkeys(str(attempt.detail["of"]) for attempt in attempts):
        name = _attempt_name(volume_id)
        find = partial(find_snapshots, run, volume_id)
        late = find_even_if_late(run, name, find) or []
        for snapshot in late:
            log.info("Deleting %s, which was taken ahead of the image", snapshot.id)
        remove_snapshots(tuple(snapshot.id for snapshot in late), run.region)
        close_as_removed(run, name)


def _attempt_name(volume_id: str) -> str:
    return f"{ROLE}-{volume_id}"
