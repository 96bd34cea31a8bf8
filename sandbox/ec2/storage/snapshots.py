"""Snapshots: create, delete, share."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sandbox.ec2.errors import ec2_error
from sandbox.ec2.model import Params, Snapshot, Volume, new_id
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications
from sandbox.ec2.storage.keys import default_key
from sandbox.ec2.storage.sharing import Permission, read_permissions
from sandbox.ec2.storage.snapshot_time import (
    check_limits,
    copied_bytes,
    find_base,
    let_copying_last,
)
from sandbox.ec2.storage.view import view_snapshot
from sandbox.errors import SandboxError

log = logging.getLogger(__name__)


def create_snapshot(region: Region, parameters: Params) -> dict[str, Any]:
    """CreateSnapshot: `pending` at once, `completed` when the copy is complete."""
    volume = region.find_volume(parameters["VolumeId"])
    tags = read_tag_specifications(parameters, ["snapshot"])
    if volume.state not in ("available", "in-use"):
        message = f"Volume '{volume.id}' is in the '{volume.state}' state."
        raise ec2_error("IncorrectState", message)
    check_limits(region, [volume])
    region.check_dry_run(parameters)
    snapshot = add_snapshot(region, volume, parameters.get("Description", ""))
    region.tag(snapshot.id, tags["snapshot"])
    place = volume.attachment.instance_id if volume.attachment else volume.id
    region.core.later(place, partial(_finish_snapshot, region, snapshot))
    return view_snapshot(region, snapshot) | {"Progress": "0%"}


def add_snapshot(region: Region, volume: Volume, description: str) -> Snapshot:
    """Add a pending snapshot; `copy_volume` and `complete_together` make it."""
    snapshot = Snapshot(
        id=new_id("snap"),
        volume_id=volume.id,
        size_gib=volume.size_gib,
        owner_id=region.account_id,
        description=description,
        encrypted=volume.encrypted,
        kms_key_id=volume.kms_key_id,
        is_root=volume.is_root,
        since=find_base(region, volume),
        start_time=region.now(),
    )
    region.snapshots[snapshot.id] = snapshot
    region.snapshot_queue.add(volume.id, snapshot.id, region.core.clock.now().timestamp())
    region.transitions.begin(snapshot.id, "snapshot")
    return snapshot


def copy_volume(region: Region, snapshot: Snapshot) -> bool:
    """Copy the volume and return whether that succeeded. A root's content is its image's layer."""
    machines = region.core.machines
    if snapshot.is_root:
        machines.mark_root(snapshot.id)
    return _fill(region, snapshot, snapshot.volume_id, machines.create_snapshot)


def copy_snapshot(region: Region, source_id: str, snapshot: Snapshot) -> bool:
    """Copy another snapshot and return whether that succeeded; a root as in `copy_volume`."""
    return _fill(region, snapshot, source_id, region.core.machines.copy_snapshot)


def _fill(
    region: Region, snapshot: Snapshot, source_id: str, copy: Callable[[str, str], None]
) -> bool:
    machines = region.core.machines
    try:
        with region.core.lock:  # after the reply to the call that began the snapshot
            failure = region.transitions.take_failure(snapshot.id)
        if failure is not None:
            raise SandboxError(failure)
        if not snapshot.is_root:
            copy(source_id, snapshot.id)
            snapshot.full_bytes = machines.snapshot_bytes(snapshot.id)
    except Exception:
        log.exception("Snapshot %s of %s failed", snapshot.id, source_id)
        with region.core.lock:
            snapshot.state = "error"
        return False
    with region.core.lock:
        is_wanted = snapshot.id in region.snapshots
    if not is_wanted:
        machines.delete_snapshot(snapshot.id)
    return True


def complete_together(
    region: Region, snapshots: Sequence[Snapshot], then: Callable[[], object]
) -> None:
    """Complete copied snapshots, all at once when the slowest is ready; then do what follows.

    https://repost.aws/knowledge-center/ebs-snapshot-ec2-ami-creation-slow
    """
    waiting = {snapshot.id for snapshot in snapshots}

    def complete(ready: Snapshot) -> None:
        waiting.discard(ready.id)
        if ready.state != "error":
            region.snapshot_queue.finish(ready.volume_id, ready.id)
        if waiting:
            return
        for snapshot in snapshots:
            if snapshot.state == "pending":
                snapshot.state, snapshot.progress = "completed", "100%"
        then()

    for snapshot in snapshots:
        region.transitions.end(snapshot.id, "snapshot", partial(complete, snapshot))


def _finish_snapshot(region: Region, snapshot: Snapshot) -> None:
    if copy_volume(region, snapshot):
        let_copying_last(region, snapshot, copied_bytes(region, snapshot))
    with region.core.lock:
        complete_together(region, [snapshot], lambda: None)


def delete_snapshot(region: Region, parameters: Params) -> None:
    """DeleteSnapshot: not while an image uses it."""
    snapshot = region.find_snapshot(parameters["SnapshotId"])
    check_own(region, snapshot)
    check_not_in_use(region, snapshot)
    region.check_dry_run(parameters)
    remove_snapshot(region, snapshot)


def check_not_in_use(region: Region, snapshot: Snapshot) -> None:
    """Raise EC2's error if an image uses the snapshot."""
    for image in region.images.values():
        if snapshot.id in image.snapshot_ids:
            message = f"The snapshot {snapshot.id} is currently in use by {image.id}"
            raise ec2_error("InvalidSnapshot.InUse", message)


def remove_snapshot(region: Region, snapshot: Snapshot) -> None:
    """Remove the snapshot with its content."""
    del region.snapshots[snapshot.id]
    region.untag(snapshot.id)
    if snapshot.state == "error":
        region.snapshot_queue.finish(snapshot.volume_id, snapshot.id)
    region.core.later(snapshot.id, partial(region.core.machines.delete_snapshot, snapshot.id))


def check_own(region: Region, snapshot: Snapshot) -> None:
    """Raise EC2's error if another account owns the snapshot."""
    if snapshot.owner_id != region.account_id:
        message = f"Not authorized for snapshot: {snapshot.id}"
        raise ec2_error("AuthFailure", message)


def modify_snapshot_attribute(region: Region, parameters: Params) -> None:
    """ModifySnapshotAttribute: who may create volumes from it."""
    snapshot = region.find_snapshot(parameters["SnapshotId"])
    check_own(region, snapshot)
    shorthands = {"UserIds": "UserId", "GroupNames": "Group"}
    add, remove = read_permissions(parameters, "CreateVolumePermission", shorthands)
    if add and snapshot.kms_key_id == default_key(region):
        message = "Encrypted snapshots with EBS default key cannot be shared"
        raise ec2_error("OperationNotPermitted", message)
    region.check_dry_run(parameters)
    snapshot.user_ids = _changed(snapshot.user_ids, "UserId", add, remove)
    snapshot.groups = _changed(snapshot.groups, "Group", add, remove)


def _changed(
    values: list[str], key: str, add: list[Permission], remove: list[Permission]
) -> list[str]:
    added = {permission[key] for permission in add if key in permission}
    return sorted({*values, *added} - {permission.get(key) for permission in remove})
