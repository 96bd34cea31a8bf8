"""Existing volumes: described, attached, detached, never deleted."""

import logging
from typing import Any

from notebake.aws.clients import calling, connect, until_known, wait_for_first
from notebake.aws.instances import describe_instance
from notebake.aws.kinds import INSTANCE, VOLUME
from notebake.aws.permissions import needs
from notebake.aws.policies import DESCRIBE, EXISTING_VOLUME, OURS, Statement, ec2_arn
from notebake.aws.shared_describe import POLL_SECONDS, describe_shared
from notebake.aws.single_flight import LONG_SECONDS, cached_per_region
from notebake.errors import CloudError, PreflightError, WaitTimeoutError
from notebake.recipe import Recipe
from notebake.timeouts import ATTACH_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
BOTH_SIDES = (
    Statement(
        EXISTING_VOLUME, "AttachToMachinesOfARun", "the machine's side of it", condition=OURS
    ).on("instance"),
    Statement(
        EXISTING_VOLUME,
        "AttachThisVolume",
        "the volume's side; detached again by force if it hangs",
        (ec2_arn("volume/VOLUME"),),
        own=lambda run: [
            ec2_arn(f"volume/{volume_id}") for volume_id in existing_volumes(run.recipe)
        ],
    ),
)
DEVICES = tuple(f"/dev/sd{letter}" for letter in "fghijklmnopqrst")
FIRST_VOLUME: dict[str, Any] = {
    "VolumeId": lambda run: existing_volumes(run.recipe)[0],
    "InstanceId": INSTANCE.stand_in,
}


def existing_volumes(recipe: Recipe) -> list[str]:
    """Return the ids of the volumes that the recipe attaches."""
    return [volume.volume_id for volume in recipe.volumes if volume.volume_id]


@needs("ec2:DescribeVolumes", DESCRIBE, by_check=True)
def describe_volumes(volume_ids: list[str], region: str) -> list[dict[str, Any]]:
    """Return EC2's description of volumes."""
    with calling(f"describe the volumes {', '.join(volume_ids)} in {region}"):
        return list(connect("ec2", region).describe_volumes(VolumeIds=volume_ids)["Volumes"])


def zone_of_volumes(recipe: Recipe) -> str | None:
    """Return the zone of the recipe's existing volumes, or None without any.

    Raises:
        PreflightError: they are in different zones.
    """
    wanted = existing_volumes(recipe)
    if not wanted:
        return None
    zones = _zones_of(tuple(wanted), recipe.region)
    if len(zones) > 1:
        raise PreflightError(f"The volumes {', '.join(wanted)} are in several zones: {zones}.")
    return next(iter(zones))


@cached_per_region(LONG_SECONDS)
def _zones_of(volume_ids: tuple[str, ...], region: str) -> frozenset[str]:
    found = describe_volumes(list(volume_ids), region)
    return frozenset(str(volume["AvailabilityZone"]) for volume in found)


def attach_volume(volume_id: str, instance_id: str, device: str, region: str) -> None:
    """Attach a volume and wait for it, unless it is already attached to this instance.

    An attachment that hangs is detached by force and made once more.

    Raises:
        PreflightError: the volume is attached to another machine.
        WaitTimeoutError: the second attachment hung, too.
    """
    request_attachment(volume_id, instance_id, device, region)
    try:
        wait_for_attachment(volume_id, instance_id, region)
    except WaitTimeoutError as error:
        log.warning("%s Detaching it by force and attaching it again", error.message)
        detach_volume(volume_id, instance_id, region)
        request_attachment(volume_id, instance_id, device, region)
        wait_for_attachment(volume_id, instance_id, region)


def attachment_of(volume_id: str, region: str) -> dict[str, Any]:
    """Return EC2's description of a volume's attachment; empty if there is none."""
    found = describe_shared(region, VOLUME, VOLUME.id_filter, volume_id)
    attachments = found[0].get("Attachments", []) if found else []
    return dict(attachments[0]) if attachments else {}


@needs("ec2:AttachVolume", *BOTH_SIDES, **FIRST_VOLUME, Device="/dev/sdf")
def request_attachment(volume_id: str, instance_id: str, device: str, region: str) -> None:
    """Request an attachment, unless an earlier request whose response was lost did."""
    now = attachment_of(volume_id, region)
    if not now:
        try:
            until_known(
                lambda: connect("ec2", region).attach_volume(
                    VolumeId=volume_id, InstanceId=instance_id, Device=device
                ),
                what=f"attach {volume_id} to {instance_id} as {device}",
            )
        except CloudError as error:
            if error.code not in {"VolumeInUse", "IncorrectState"}:
                raise
            now = attachment_of(volume_id, region)
    if now and now["InstanceId"] != instance_id:
        raise PreflightError(f"{volume_id} is attached to {now['InstanceId']}.")


def wait_for_attachment(volume_id: str, instance_id: str, region: str) -> None:
    """Wait until a volume is attached."""
    wait_until(
        lambda: True if attachment_of(volume_id, region).get("State") == "attached" else None,
        what=f"{volume_id} to be attached to {instance_id}",
        timeout_seconds=ATTACH_SECONDS,
        interval_seconds=POLL_SECONDS,
    )


@needs("ec2:DetachVolume", *BOTH_SIDES, **FIRST_VOLUME, Device="/dev/sdf")
def detach_volume(volume_id: str, instance_id: str, region: str) -> None:
    """Detach a volume by force and wait until it is free."""
    with calling(f"detach {volume_id} from {instance_id}"):
        connect("ec2", region).detach_volume(VolumeId=volume_id, InstanceId=instance_id, Force=True)
    wait_until(
        lambda: None if attachment_of(volume_id, region) else True,
        what=f"{volume_id} to be free",
        timeout_seconds=ATTACH_SECONDS,
        interval_seconds=POLL_SECONDS,
    )


def device_names(recipe: Recipe) -> dict[str, str]:
    """Return the device name of each volume, by the volume's name.

    The names only label EC2's mapping: on the host a disk is found by its volume id.
    """
    return {volume.name: device for volume, device in zip(recipe.volumes, DEVICES, strict=False)}


def volume_ids_by_name(recipe: Recipe, instance_id: str, devices: dict[str, str]) -> dict[str, str]:
    """Return the id of each of the recipe's volumes on an instance, by the volume's name."""
    instance = wait_for_first(lambda: describe_instance(instance_id, recipe.region), instance_id)
    ids = instance.volume_ids
    return {volume.name: volume.volume_id or ids[devices[volume.name]] for volume in recipe.volumes}
