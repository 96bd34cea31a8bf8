"""Snapshots: create, delete, share."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sandbox.ec2.errors import invalid_value, refusal
from sandbox.ec2.model import Params, Snapshot, Volume, new_id
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications
from sandbox.ec2.storage.block_devices import default_key
from sandbox.ec2.storage.view import view_snapshot
from sandbox.errors import SandboxError

log = logging.getLogger(__name__)


def create_snapshot(region: Region, parameters: Params) -> dict[str, Any]:
    """CreateSnapshot: `pending` at once, `completed` when the copy is made."""
    volume = region.find_volume(parameters["VolumeId"])
    tags = read_tag_specifications(parameters, ["snapshot"])
    if volume.state not in ("available", "in-use"):
        message = f"Volume '{volume.id}' is in the '{volume.state}' state."
        raise refusal("IncorrectState", message)
    region.check_dry_run(parameters)
    snapshot = add_snapshot(region, volume, parameters.get("Description", ""))
    region.tag(snapshot.id, tags["snapshot"])
    place = volume.attachment.instance_id if volume.attachment else volume.id
    region.core.later(place, partial(_finish_snapshot, region, snapshot))
    return view_snapshot(region, snapshot) | {"Progress": "0%"}


def add_snapshot(region: Region, volume: Volume, description: str) -> Snapshot:
    """Name a new snapshot of the volume; `copy_volume` and `complete_together` make it."""
    snapshot = Snapshot(
        id=new_id("snap"),
        volume_id=volume.id,
        size_gib=volume.size_gib,
        owner_id=region.account_id,
        description=description,
        encrypted=volume.encrypted,
        kms_key_id=volume.kms_key_id,
        is_root=volume.is_root,
        start_time=region.now(),
    )
    region.snapshots[snapshot.id] = snapshot
    region.course.begin(snapshot.id, "snapshot")
    return snapshot


def copy_volume(region: Region, snapshot: Snapshot) -> bool:
    """Copy the volume and tell whether that worked; the root's content is its image's layer."""
    machines = region.core.machines
    try:
        with region.core.lock:  # the call that began it has been answered
            failure = region.course.failure(snapshot.id)
        if failure is not None:
            raise SandboxError(failure)
        if not snapshot.is_root:
            machines.create_snapshot(snapshot.volume_id, snapshot.id)
    except Exception:
        log.exception("Snapshot %s of %s failed", snapshot.id, snapshot.volume_id)
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
    """Complete snapshots that have been copied, all at once, when the slowest is ready; go on.

    https://repost.aws/knowledge-center/ebs-snapshot-ec2-ami-creation-slow
    """
    left = {one.id for one in snapshots}

    def be_ready(snapshot: Snapshot) -> None:
        left.discard(snapshot.id)
        if left:
            return
        for one in snapshots:
            if one.state == "pending":
                one.state, one.progress = "completed", "100%"
        then()

    for one in snapshots:
        region.course.end(one.id, "snapshot", partial(be_ready, one))


def _finish_snapshot(region: Region, snapshot: Snapshot) -> None:
    copy_volume(region, snapshot)
    with region.core.lock:
        complete_together(region, [snapshot], lambda: None)


def delete_snapshot(region: Region, parameters: Params) -> None:
    """DeleteSnapshot: not while an image stands on it."""
    snapshot = region.find_snapshot(parameters["SnapshotId"])
    check_own(region, snapshot)
    check_not_in_use(region, snapshot)
    region.check_dry_run(parameters)
    remove_snapshot(region, snapshot)


def check_not_in_use(region: Region, snapshot: Snapshot) -> None:
    """Raise EC2's error if an image stands on the snapshot."""
    for image in region.images.values():
        if snapshot.id in [line.snapshot_id for line in image.mapping]:
            message = f"The snapshot {snapshot.id} is currently in use by {image.id}"
            raise refusal("InvalidSnapshot.InUse", message)


def remove_snapshot(region: Region, snapshot: Snapshot) -> None:
    """Remove the snapshot with its content."""
    del region.snapshots[snapshot.id]
    region.untag(snapshot.id)
    if not snapshot.is_root:
        region.core.later(snapshot.id, partial(region.core.machines.delete_snapshot, snapshot.id))


def modify_snapshot_attribute(region: Region, parameters: Params) -> None:
    """ModifySnapshotAttribute: who may make volumes of it."""
    snapshot = region.find_snapshot(parameters["SnapshotId"])
    check_own(region, snapshot)
    permission = parameters.get("CreateVolumePermission", {})
    add, remove = list(permission.get("Add", [])), list(permission.get("Remove", []))
    target = {"add": add, "remove": remove}.get(parameters.get("OperationType", ""), add)
    target += [{"UserId": one} for one in parameters.get("UserIds", [])]
    target += [{"Group": one} for one in parameters.get("GroupNames", [])]
    for one in [*add, *remove]:
        check_account(one.get("UserId", "000000000000"), one.get("Group", "all"))
    if add and snapshot.kms_key_id == default_key(region):
        message = "Encrypted snapshots with EBS default key cannot be shared"
        raise refusal("OperationNotPermitted", message)
    region.check_dry_run(parameters)
    users = {*snapshot.user_ids, *(one["UserId"] for one in add if "UserId" in one)}
    groups = {*snapshot.groups, *(one["Group"] for one in add if "Group" in one)}
    snapshot.user_ids = sorted(users - {one.get("UserId") for one in remove})
    snapshot.groups = sorted(groups - {one.get("Group") for one in remove})


def check_account(user_id: str, group: str) -> None:
    """Raise EC2's error for what cannot be an account or a group to share with."""
    if len(user_id) != 12 or not user_id.isdigit():
        raise refusal("InvalidAMIAttributeItemValue", f'Invalid attribute item value "{user_id}"')
    if group != "all":
        raise invalid_value(group, "userGroup")


def check_own(region: Region, snapshot: Snapshot) -> None:
    """Raise EC2's error for somebody else's snapshot."""
    if snapshot.owner_id != region.account_id:
        message = f"Not authorized for snapshot: {snapshot.id}"
        raise refusal("AuthFailure", message)
