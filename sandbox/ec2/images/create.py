"""CreateImage: an image of an instance, with its root and all of its volumes."""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sandbox.ec2.errors import invalid_value, refusal
from sandbox.ec2.instances import boot
from sandbox.ec2.instances.types import instance_store_sizes_gib
from sandbox.ec2.model import BlockDevice, Image, Instance, Params, Snapshot, Volume, new_id
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications
from sandbox.ec2.storage.block_devices import merge_mapping
from sandbox.ec2.storage.snapshots import add_snapshot, complete_together, copy_volume

log = logging.getLogger(__name__)
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
NAME = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}")


def create_image(region: Region, parameters: Params) -> dict[str, Any]:
    """CreateImage: `pending` at once; root and every attached volume are in its mapping."""
    instance = region.find_instance(parameters["InstanceId"])
    _check_name(region, parameters["Name"])
    tags = read_tag_specifications(parameters, ["image", "snapshot"])
    _check_state(instance)
    volumes, lines = _wanted_devices(region, instance, parameters.get("BlockDeviceMappings", []))
    region.check_dry_run(parameters)
    image_id = new_id("ami")
    description = f"Created by CreateImage({instance.id}) for {image_id}"
    snapshots = {one.id: add_snapshot(region, one, description) for one in volumes}
    source = region.images.get(instance.image_id)
    image = Image(
        id=image_id,
        name=parameters["Name"],
        owner_id=region.account_id,
        description=parameters.get("Description", ""),
        mapping=_final_mapping(volumes, lines, snapshots),
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
    made = list(snapshots.values())
    work = partial(_finish_image, region, instance, image, made)
    region.core.later(instance.id, partial(work, no_reboot=bool(parameters.get("NoReboot"))))
    return {"ImageId": image.id}


def _check_state(instance: Instance) -> None:
    if instance.state not in ("running", "stopped"):
        reason = "Instance is not in state 'running' or 'stopped'"
        raise invalid_value(f"{instance.id}", "instanceId", reason)


def _check_name(region: Region, name: str) -> None:
    if not NAME.fullmatch(name):
        message = "AMI names must be between 3 and 128 characters long, and may contain letters, "
        raise refusal("InvalidAMIName.Malformed", f"{message}numbers, and ( ) [ ] . / - ' @ _ only")
    for image in region.images.values():
        if image.name == name and image.owner_id == region.account_id:
            message = f"AMI name {name} is already in use by AMI {image.id}"
            raise refusal("InvalidAMIName.Duplicate", message)


def _wanted_devices(
    region: Region, instance: Instance, asked: list[Params]
) -> tuple[list[Volume], list[BlockDevice]]:
    """Return the volumes to copy, and the mapping without their snapshots yet."""
    attached = {
        one.attachment.device: one for one in region.volumes_of(instance.id) if one.attachment
    }
    lines = [_line_of(volume) for volume in attached.values()]
    stores = instance_store_sizes_gib(instance.instance_type)
    for number, _ in enumerate(stores):
        lines.append(BlockDevice(f"/dev/sd{chr(98 + number)}", virtual_name=f"ephemeral{number}"))
    taken = set(attached)
    lines = [one for one in lines if not (one.virtual_name and one.device in taken)]
    merged = merge_mapping(lines, asked)
    if instance.root_device not in [one.device for one in merged]:
        message = "The root device may not be left out of an image"
        raise refusal("InvalidBlockDeviceMapping", message)
    kept = [attached[one.device] for one in merged if one.device in attached]
    for line in merged:
        volume = attached.get(line.device)
        # "You can't change the volume size using the VolumeSize parameter":
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
        if volume and line.size_gib != volume.size_gib:
            message = f"The size of {line.device} is {volume.size_gib}GB and cannot be changed"
            raise refusal("InvalidBlockDeviceMapping", message)
    return kept, merged


def _line_of(volume: Volume) -> BlockDevice:
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


def _final_mapping(
    volumes: list[Volume], lines: list[BlockDevice], snapshots: Mapping[str, Snapshot]
) -> list[BlockDevice]:
    by_device = {one.attachment.device: snapshots[one.id] for one in volumes if one.attachment}
    return [
        replace(line, snapshot_id=by_device[line.device].id) if line.device in by_device else line
        for line in lines
    ]


def _finish_image(
    region: Region, instance: Instance, image: Image, made: list[Snapshot], *, no_reboot: bool
) -> None:
    """Copy the host's root and volumes; a running host is shut down for it, or else frozen."""
    machines = region.core.machines
    with region.core.lock:
        must_reboot = instance.id in machines.running() and not no_reboot
        instance.busy_imaging = must_reboot
    try:
        if must_reboot:
            machines.shut_down(instance.id)
        with machines.frozen(instance.id):
            machines.bake_image(instance.id, image.id)
            copied = [copy_volume(region, one) for one in made]
        failure = None if all(copied) else "Client.InternalError: a snapshot failed"
        with region.core.lock:
            failure = region.course.failure(image.id) or failure
    except Exception as error:
        log.exception("Image %s of %s failed", image.id, instance.id)
        failure = f"Server.InternalError: {error}"
    finally:
        with region.core.lock:
            instance.busy_imaging = False
        if must_reboot and instance.state == "running":
            boot.boot_again_or_stop(region, instance)
    be_made = partial(_be_made, region, image, failure)
    with region.core.lock:
        complete_together(region, made, partial(region.course.end, image.id, "image", be_made))


def _be_made(region: Region, image: Image, failure: str | None) -> None:
    if image.id not in region.images:
        region.core.later(image.id, partial(region.core.machines.delete_image, image.id))
    elif failure:
        image.state, image.failure = "failed", failure
    else:
        image.state = "available"
