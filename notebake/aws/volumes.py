"""Volumes that exist already: looked at, attached, detached, never deleted."""

from typing import Any

from notebake.aws import instances
from notebake.aws.clients import calling, connect
from notebake.errors import PreflightError
from notebake.recipe import Recipe
from notebake.waiting import wait_until


def describe_volumes(volume_ids: list[str], region: str) -> list[dict[str, Any]]:
    """Return EC2's description of volumes."""
    with calling(f"describe the volumes {', '.join(volume_ids)} in {region}"):
        return list(connect("ec2", region).describe_volumes(VolumeIds=volume_ids)["Volumes"])


def zone_of_volumes(recipe: Recipe) -> str | None:
    """Return the zone that the recipe's existing volumes dictate; None without any.

    Raises:
        PreflightError: they lie in different zones.
    """
    wanted = [volume.volume_id for volume in recipe.volumes if volume.volume_id]
    if not wanted:
        return None
    zones = {str(one["AvailabilityZone"]) for one in describe_volumes(wanted, recipe.region)}
    if len(zones) > 1:
        raise PreflightError(f"The volumes {', '.join(wanted)} lie in several zones: {zones}.")
    return zones.pop()


def attach_volume(volume_id: str, instance_id: str, device: str, region: str) -> None:
    """Attach a volume and wait until it is; where it is attached there already, do nothing."""

    def attachment() -> dict[str, Any] | None:
        found = describe_volumes([volume_id], region)[0].get("Attachments", [])
        return found[0] if found else None

    now = attachment()
    if now is None:
        with calling(f"attach {volume_id} to {instance_id} as {device}"):
            connect("ec2", region).attach_volume(
                VolumeId=volume_id, InstanceId=instance_id, Device=device
            )
    elif now["InstanceId"] != instance_id:
        raise PreflightError(f"{volume_id} is attached to {now['InstanceId']}.")
    wait_until(
        lambda: True if (attachment() or {}).get("State") == "attached" else None,
        what=f"{volume_id} to be attached",
        timeout_seconds=120,
    )


def volume_ids_by_name(recipe: Recipe, instance_id: str, devices: dict[str, str]) -> dict[str, str]:
    """Return the id of each of the recipe's volumes on an instance, by the volume's name."""
    mapping = {
        one["DeviceName"]: str(one["Ebs"]["VolumeId"])
        for one in instances.device_mappings(instance_id, recipe.region)
        if "Ebs" in one
    }
    return {
        volume.name: volume.volume_id or mapping[devices[volume.name]] for volume in recipe.volumes
    }
