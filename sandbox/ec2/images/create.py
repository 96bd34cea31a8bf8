"""CreateImage: an image of an instance, with its root and all of its volumes."""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sandbox.ec2.errors import ec2_error, invalid_value
from sandbox.ec2.instances import boot
from sandbox.ec2.instances.types import instance_store_sizes_gib
from sandbox.ec2.model import BlockDevice, Image, Instance, Params, Snapshot, Volume, new_id
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications
from sandbox.ec2.storage.block_devices import merge_mapping
from sandbox.ec2.storage.snapshot_time import check_limits, copied_bytes, let_copying_last
from sandbox.ec2.storage.snapshots import add_snapshot, complete_together, copy_volume

log = logging.getLogger(__name__)
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
NAME = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}")


def create_image(region: Region, parameters: Params) -> dict[str, Any]:
    """CreateImage: `pending` at once; its mapping has the root and every attached volume."""
    instance = region.find_instance(parameters["InstanceId"])
    _check_name(region, parameters["Name"])
    tags = read_tag_specifications(parameters, ["image", "snapshot"])
    _check_state(instance)
    volumes, entries = _choose_devices(region, instance, parameters.get("BlockDeviceMappings", []))
    check_limits(region, volumes.values())
    region.check_dry_run(parameters)
    image_id = new_id("ami")
    description = f"Created by CreateImage({instance.id}) for {image_id}"
    snapshots = {
        device: add_snapshot(region, volume, description) for device, volume in volumes.items()
    }
    source = region.images.get(instance.image_id)
    image = Image(
        id=image_id,
        name=parameters["Name"],
        owner_id=region.account_id,
        description=parameters.get("Description", ""),
        mapping=_add_snapshot_ids(entries, snapshots),
        root_device=instance.root_device,
        architecture=instance.architecture,
        imds_support=source.imds_support if source else None,
        source_instance_id=instance.id,
        source_image_id=instance.image_id,
        creation_date=region.now(),
    )
    region.images[image.id] = image
    region.tag(image.id, tags["image"])
    for snapshot in snapshots.values():
        region.tag(snapshot.id, tags["snapshot"])
    work = partial(_finish_image, region, instance, image, list(snapshots.values()))
    region.core.later(instance.id, partial(work, no_reboot=bool(parameters.get("NoReboot"))))
    return {"ImageId": image.id}


def _check_state(instance: Instance) -> None:
    if instance.state not in ("running", "stopped"):
        reason = "Instance is not in state 'running' or 'stopped'"
        raise invalid_value(instance.id, "instanceId", reason)


def check_name_form(name: str) -> None:
    """Raise EC2's error for what no image can be called."""
    if not NAME.fullmatch(name):
        message = "AMI names must be between 3 and 128 characters long, and may contain letters, "
        raise ec2_error(
            "InvalidAMIName.Malformed", f"{message}numbers, and ( ) [ ] . / - ' @ _ only"
        )


def _check_name(region: Region, name: str) -> None:
    check_name_form(name)
    for image in region.images.values():
        if image.name == name and image.owner_id == region.account_id:
            message = f"AMI name {name} is already in use by AMI {image.id}"
            raise ec2_error("InvalidAMIName.Duplicate", message)


def _choose_devices(
    region: Region, instance: Instance, changes: list[Params]
) -> tuple[dict[str, Volume], list[BlockDevice]]:
    """Return the volumes to copy, by device, and the mapping without their snapshots."""
    attached = region.volumes_by_device(instance.id)
    entries = [_entry_of(volume) for volume in attached.values()]
    for number, _ in enumerate(instance_store_sizes_gib(instance.instance_type)):
        device = f"/dev/sd{chr(98 + number)}"
        if device not in attached:
            entries.append(BlockDevice(device, virtual_name=f"ephemeral{number}"))
    merged = merge_mapping(entries, changes)
    if instance.root_device not in [entry.device for entry in merged]:
        message = "The root device may not be left out of an image"
        raise ec2_error("InvalidBlockDeviceMapping", message)
    for entry in merged:
        volume = attached.get(entry.device)
        # "You can't change the volume size using the VolumeSize parameter":
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
        if volume and entry.size_gib != volume.size_gib:
            message = f"The size of {entry.device} is {volume.size_gib}GB and cannot be changed"
            raise ec2_error("InvalidBlockDeviceMapping", message)
    devices = [entry.device for entry in merged if entry.device in attached]
    return {device: attached[device] for device in devices}, merged


def _entry_of(volume: Volume) -> BlockDevice:
    attachment = volume.attachment
    return BlockDevice(
        device=attachment.device if attachment else "",
        size_gib=volume.size_gib,
        volume_type=volume.volume_type,
        iops=volume.iops,
        throughput=volume.throughput,
        encrypted=volume.encrypted,
        kms_key_id=volume.kms_key_id,
        delete_on_termination=bool(attachment and attachment.delete_on_termination),
    )


def _add_snapshot_ids(
    entries: list[BlockDevice], snapshots: Mapping[str, Snapshot]
) -> list[BlockDevice]:
    return [
        replace(entry, snapshot_id=snapshots[entry.device].id)
        if entry.device in snapshots
        else entry
        for entry in entries
    ]


def _finish_image(
    region: Region, instance: Instance, image: Image, snapshots: list[Snapshot], *, no_reboot: bool
) -> None:
    """Copy the host's root and volumes, with a running host shut down or frozen meanwhile."""
    machines = region.core.machines
    with region.core.lock:
        must_reboot = instance.id in machines.running() and not no_reboot
        instance.busy_imaging = must_reboot
    try:
        if must_reboot:
            machines.shut_down(instance.id)
        with machines.frozen(instance.id):
            machines.bake_image(instance.id, image.id)
            copied = [copy_volume(region, snapshot) for snapshot in snapshots]
        for root in (snapshot for snapshot in snapshots if snapshot.is_root):
            root.full_bytes = machines.image_bytes(image.id)
        for snapshot in snapshots if all(copied) else ():
            let_copying_last(region, snapshot, copied_bytes(region, snapshot, image.id))
        failure = None if all(copied) else "Client.InternalError: a snapshot failed"
        with region.core.lock:
            failure = region.transitions.take_failure(image.id) or failure
    except Exception as error:
        log.exception("Image %s of %s failed", image.id, instance.id)
        failure = f"Server.InternalError: {error}"
    finally:
        with region.core.lock:
            instance.busy_imaging = False
        if must_reboot and instance.state == "running":
            boot.boot_again_or_stop(region, instance)
    complete_image(region, image, snapshots, failure)


def complete_image(
    region: Region, image: Image, snapshots: list[Snapshot], failure: str | None
) -> None:
    """Complete the copied snapshots of an image, and then the image, or let it fail."""
    finish = partial(_set_finished, region, image, failure)
    with region.core.lock:
        end = partial(region.transitions.end, image.id, "image", finish)
        complete_together(region, snapshots, end)


def _set_finished(region: Region, image: Image, failure: str | None) -> None:
    if image.id not in region.images:
        region.core.later(image.id, partial(region.core.machines.delete_image, image.id))
    elif failure:
        image.state, image.failure = "failed", failure
    else:
        image.state = "available"
