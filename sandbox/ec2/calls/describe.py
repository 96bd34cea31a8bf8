"""The Describe calls for instances, volumes, snapshots and images."""

from collections.abc import Iterable
from typing import Any

from sandbox.ec2.calls.filter_fields import (
    image_fields,
    instance_fields,
    snapshot_fields,
    volume_fields,
)
from sandbox.ec2.calls.filters import matches, page
from sandbox.ec2.errors import invalid_value, not_found, refusal
from sandbox.ec2.images.view import view_image
from sandbox.ec2.instances.view import view_instance
from sandbox.ec2.model import STATE_CODES, Image, Instance, Params, Snapshot
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import view_tags
from sandbox.ec2.storage.view import view_snapshot, view_volume


def describe_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeInstances: terminated ones stay to be seen."""
    if parameters.get("InstanceIds") and parameters.get("MaxResults"):
        message = "The parameter instancesSet cannot be used with the parameter maxResults"
        raise refusal("InvalidParameterCombination", message)
    region.check_dry_run(parameters)
    chosen, token = page(_choose_instances(region, parameters), parameters)
    reservations: dict[str, dict[str, Any]] = {}
    for instance in chosen:
        empty = {
            "ReservationId": instance.reservation_id,
            "OwnerId": instance.owner_id,
            "Groups": [],
            "Instances": [],
        }
        reservation = reservations.setdefault(instance.reservation_id, empty)
        reservation["Instances"].append(view_instance(region, instance))
    return {"Reservations": list(reservations.values()), "NextToken": token}


def describe_instance_status(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeInstanceStatus: running ones only, unless asked for all."""
    everything = parameters.get("IncludeAllInstances", False)
    region.check_dry_run(parameters)
    chosen = [
        instance
        for instance in _choose_instances(region, parameters)
        if everything or instance.state == "running"
    ]
    listed, token = page(chosen, parameters)
    return {"InstanceStatuses": [_view_status(one) for one in listed], "NextToken": token}


def describe_volumes(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeVolumes."""
    ids = parameters.get("VolumeIds") or []
    volumes = [region.find_volume(one) for one in ids] or region.sight.shown(region.volumes)
    region.check_dry_run(parameters)
    filters = parameters.get("Filters", [])
    chosen = [
        one for one in volumes if matches(filters, volume_fields(one), region.tags_of(one.id))
    ]
    listed, token = page(chosen, parameters)
    return {"Volumes": [view_volume(region, one) for one in listed], "NextToken": token}


def describe_snapshots(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeSnapshots."""
    ids = parameters.get("SnapshotIds") or []
    snapshots = [region.find_snapshot(one) for one in ids] or region.sight.shown(region.snapshots)
    region.check_dry_run(parameters)
    owners = _owners(region, parameters.get("OwnerIds", []))
    filters = parameters.get("Filters", [])
    chosen = [
        one
        for one in snapshots
        if (not owners or one.owner_id in owners)
        and matches(filters, snapshot_fields(one), region.tags_of(one.id))
    ]
    listed, token = page(chosen, parameters)
    return {"Snapshots": [view_snapshot(region, one) for one in listed], "NextToken": token}


def describe_images(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeImages."""
    ids = parameters.get("ImageIds") or []
    images = [_find_described_image(region, one) for one in ids] or region.sight.shown(
        region.images
    )
    region.check_dry_run(parameters)
    owners = _owners(region, parameters.get("Owners", []))
    users = _owners(region, parameters.get("ExecutableUsers", []))
    filters = parameters.get("Filters", [])
    chosen = [
        one
        for one in images
        if _is_listed(region, one, parameters)
        and (not owners or {one.owner_id, one.owner_alias} & set(owners))
        and (not users or _may_launch(one, users))
        and matches(filters, image_fields(one), region.tags_of(one.id))
    ]
    listed, token = page(chosen, parameters)
    return {"Images": [view_image(region, one) for one in listed], "NextToken": token}


def describe_tags(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeTags."""
    kinds = {"i": "instance", "vol": "volume", "snap": "snapshot", "ami": "image"}
    kinds |= {"sg": "security-group", "key": "key-pair", "eni": "network-interface"}
    tags = []
    for resource_id in filter(region.sight.shows, list(region.network.tags)):
        kind = kinds.get(resource_id.partition("-")[0], resource_id.partition("-")[0])
        for tag in view_tags(region, resource_id):
            fields = {
                "resource-id": resource_id,
                "resource-type": kind,
                "key": tag["Key"],
                "value": tag["Value"],
            }
            if matches(parameters.get("Filters", []), fields, {tag["Key"]: tag["Value"]}):
                tags.append({**tag, "ResourceId": resource_id, "ResourceType": kind})
    listed, token = page(tags, parameters)
    return {"Tags": listed, "NextToken": token}


def _choose_instances(region: Region, parameters: Params) -> list[Instance]:
    ids = parameters.get("InstanceIds") or []
    instances: Iterable[Instance] = [region.find_instance(one) for one in dict.fromkeys(ids)]
    filters = parameters.get("Filters", [])
    return [
        instance
        for instance in instances or region.sight.shown(region.instances)
        if matches(filters, instance_fields(region, instance), region.tags_of(instance.id))
    ]


def _view_status(instance: Instance) -> dict[str, Any]:
    is_running = instance.state == "running"
    status = {
        "Status": "ok" if is_running else "not-applicable",
        "Details": [{"Name": "reachability", "Status": "passed"}] if is_running else [],
    }
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.zone,
        "InstanceState": {"Code": STATE_CODES[instance.state], "Name": instance.state},
        "InstanceStatus": status,
        "SystemStatus": status,
    }


def _find_described_image(region: Region, image_id: str) -> Image:
    if image_id in region.deregistered:
        raise not_found(image_id, "ami")
    return region.find_image(image_id)


def _owners(region: Region, names: list[str]) -> list[str]:
    return [region.account_id if name == "self" else name for name in names]


def _is_listed(region: Region, image: Image, parameters: Params) -> bool:
    """Tell whether EC2 lists an image without being asked for the disabled and the deprecated."""
    if image.state == "disabled" and not parameters.get("IncludeDisabled"):
        return False
    passed = image.deprecation_time and image.deprecation_time <= region.core.clock.now()
    is_own = image.owner_id == region.account_id
    return bool(not passed or is_own or parameters.get("IncludeDeprecated"))


def _may_launch(image: Image, users: list[str]) -> bool:
    permissions = image.launch_permissions
    wanted = [{"Group": "all"} if user == "all" else {"UserId": user} for user in users]
    return any(one in permissions for one in wanted)


def describe_snapshot_attribute(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeSnapshotAttribute: who may make volumes of it."""
    snapshot: Snapshot = region.find_snapshot(parameters["SnapshotId"])
    if parameters["Attribute"] != "createVolumePermission":
        raise invalid_value(parameters["Attribute"], "attribute")
    permissions = [{"Group": one} for one in snapshot.groups]
    permissions += [{"UserId": one} for one in snapshot.user_ids]
    return {"SnapshotId": snapshot.id, "CreateVolumePermissions": permissions}
