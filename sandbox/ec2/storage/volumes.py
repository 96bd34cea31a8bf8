"""Volumes: create, attach, detach, delete."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sandbox.ec2.errors import ec2_error, invalid_value, missing, unsupported
from sandbox.ec2.model import Attachment, BlockDevice, Params, Volume, new_id
from sandbox.ec2.state.client_tokens import Scope
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications
from sandbox.ec2.storage import volume_states
from sandbox.ec2.storage.block_devices import check_size, complete, with_key_found
from sandbox.ec2.storage.view import view_attachment, view_volume


def create_volume(region: Region, parameters: Params) -> dict[str, Any]:
    """CreateVolume. The same client token with the same parameters returns the same volume."""
    zone = parameters.get("AvailabilityZone") or ""
    scope = Scope("CreateVolume", f"{region.name} {zone}")
    if created := region.tokens.find(scope, parameters):
        volume = region.volumes.get(created) or region.find_volume(created)
        return view_volume(region, volume)
    if zone not in [known.name for known in region.network.describe_availability_zones()]:
        message = f"The zone '{zone}' does not exist."
        raise ec2_error("InvalidZone.NotFound", message) if zone else missing("AvailabilityZone")
    entry = _read_entry(region, parameters)
    tags = read_tag_specifications(parameters, ["volume"])
    region.check_dry_run(parameters)
    volume = add_volume(region, entry, zone, tags["volume"])
    region.tokens.keep(scope, parameters, volume.id)
    region.transitions.begin(volume.id, "creating")
    region.core.later(volume.id, partial(volume_states.finish_creation, region, volume))
    return view_volume(region, volume)


def add_volume(region: Region, entry: BlockDevice, zone: str, tags: Mapping[str, str]) -> Volume:
    """Add a volume to the region, in the state `creating`. Its file does not exist yet."""
    is_gp3 = entry.volume_type == "gp3"
    volume = Volume(
        id=new_id("vol"),
        size_gib=entry.size_gib,
        zone=zone,
        volume_type=entry.volume_type,
        snapshot_id=entry.snapshot_id,
        iops=entry.iops or (3000 if is_gp3 else None),
        throughput=entry.throughput or (125 if is_gp3 else None),
        encrypted=entry.encrypted,
        kms_key_id=entry.kms_key_id,
        has_usable_key=entry.has_usable_key,
        create_time=region.now(),
    )
    region.volumes[volume.id] = volume
    region.tag(volume.id, tags)
    return volume


def attach_volume(region: Region, parameters: Params) -> dict[str, Any]:
    """AttachVolume: `attaching` at once, `attached` when the host sees it."""
    volume = region.find_volume(parameters["VolumeId"])
    instance = region.find_instance(parameters["InstanceId"])
    device = parameters["Device"]
    if volume.attachment:
        raise ec2_error("VolumeInUse", f"{volume.id} is already attached to an instance")
    if volume.state != "available":
        message = f"Volume '{volume.id}' is in the '{volume.state}' state."
        raise ec2_error("IncorrectState", message)
    if volume.is_root:
        raise unsupported("attaching a former root volume: its content was the host's root")
    if volume.zone != instance.zone:
        message = f"The volume '{volume.id}' is not in the same availability zone as instance"
        raise ec2_error("InvalidVolume.ZoneMismatch", f"{message} '{instance.id}'")
    if instance.state not in ("running", "stopped"):
        raise ec2_error("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if device in region.volumes_by_device(instance.id):
        raise invalid_value(device, "unixDevice", f"Attachment point {device} is already in use")
    region.check_dry_run(parameters)
    volume.state = "in-use"
    volume.attachment = Attachment(
        instance.id, device, delete_on_termination=False, attach_time=region.now()
    )
    shown = view_attachment(volume)
    region.transitions.begin(volume.id, "attaching")
    region.core.later(
        instance.id, partial(volume_states.finish_attachment, region, volume, volume.attachment)
    )
    return shown


def detach_volume(region: Region, parameters: Params) -> dict[str, Any]:
    """DetachVolume: `detaching` at once, then the volume is available."""
    volume = region.find_volume(parameters["VolumeId"])
    attachment = volume.attachment
    if not attachment:
        message = f"Volume '{volume.id}' is in the '{volume.state}' state."
        raise ec2_error("IncorrectState", message)
    instance_id = parameters.get("InstanceId", attachment.instance_id)
    if instance_id != attachment.instance_id:
        region.find_instance(instance_id)
        message = f"The volume '{volume.id}' is not attached to instance '{instance_id}'."
        raise ec2_error("InvalidAttachment.NotFound", message)
    if parameters.get("Device", attachment.device) != attachment.device:
        raise invalid_value(parameters["Device"], "device", "The volume is attached elsewhere.")
    if volume.is_root:
        if region.find_instance(instance_id).state != "stopped":
            message = f"Unable to detach root volume '{volume.id}' from instance '{instance_id}'"
            raise ec2_error("OperationNotPermitted", message)
        raise unsupported("detaching a root volume")
    region.check_dry_run(parameters)
    attachment.state = "detaching"
    shown = view_attachment(volume)
    region.transitions.begin(volume.id, "detaching")
    region.core.later(
        instance_id, partial(volume_states.finish_detachment, region, volume, attachment)
    )
    return shown


def delete_volume(region: Region, parameters: Params) -> None:
    """DeleteVolume: only of a volume that is not attached."""
    volume = region.find_volume(parameters["VolumeId"])
    if volume.attachment:
        message = f"Volume {volume.id} is currently attached to {volume.attachment.instance_id}"
        raise ec2_error("VolumeInUse", message)
    if volume.state == "creating":
        message = f"Volume '{volume.id}' is in the 'creating' state."
        raise ec2_error("IncorrectState", message)
    region.check_dry_run(parameters)
    del region.volumes[volume.id]
    region.untag(volume.id)
    region.core.later(volume.id, partial(region.core.machines.delete_volume, volume.id))


def _read_entry(region: Region, parameters: Params) -> BlockDevice:
    if (size_gib := parameters.get("Size")) is not None:
        check_size(size_gib, "size")
    if snapshot_id := parameters.get("SnapshotId"):
        snapshot = region.find_snapshot(snapshot_id)
        if snapshot.state != "completed":
            message = f"Snapshot '{snapshot.id}' is in the '{snapshot.state}' state."
            raise ec2_error("IncorrectState", message)
        if snapshot.is_root:
            raise unsupported("volumes from the snapshot of a root volume")
    entry = BlockDevice(
        device="",
        size_gib=size_gib or 0,
        snapshot_id=snapshot_id,
        volume_type=parameters.get("VolumeType", "gp2"),
        iops=parameters.get("Iops"),
        throughput=parameters.get("Throughput"),
        encrypted=bool(parameters.get("Encrypted")),
        kms_key_id=parameters.get("KmsKeyId"),
    )
    return complete(region, with_key_found(region, entry), too_small="InvalidParameterValue")
