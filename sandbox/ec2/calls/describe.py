"""The Describe calls for instances, volumes, snapshots and images."""

from typing import Any

from sandbox.ec2.calls.filter_fields import (
    image_fields,
    instance_fields,
    snapshot_fields,
    volume_fields,
)
from sandbox.ec2.calls.filters import matches, page
from sandbox.ec2.errors import ec2_error, invalid_value, not_found
from sandbox.ec2.images.view import view_image
from sandbox.ec2.instances.view import view_reservation
from sandbox.ec2.model import STATE_CODES, Image, Instance, Params, Snapshot
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import view_tags
from sandbox.ec2.storage.view import view_snapshot, view_volume


def describe_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeInstances, the terminated included."""
    if parameters.get("InstanceIds") and parameters.get("MaxResults"):
        message = "The parameter instancesSet cannot be used with the parameter maxResults"
        raise ec2_error("InvalidParameterCombination", message)
    region.check_dry_run(parameters)
    chosen, token = page(_choose_instances(region, parameters), parameters)
    launches: dict[str, list[Instance]] = {}
    for instance in chosen:
        launches.setdefault(instance.reservation_id, []).append(instance)
    reservations = [view_reservation(region, *launch) for launch in launches.items()]
    return {"Reservations": reservations, "NextToken": token}


def describe_instance_status(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeInstanceStatus: running instances only, unless asked for all."""
    everything = parameters.get("IncludeAllInstances", False)
    region.check_dry_run(parameters)
    chosen = [
        instance
        for instance in _choose_instances(region, parameters)
        if everything or instance.state == "running"
    ]
    listed, token = page(chosen, parameters)
    return {"InstanceStatuses": [_view_status(instance) for instance in listed], "NextToken": token}


def describe_volumes(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeVolumes."""
    ids = parameters.get("VolumeIds") or []
    volumes = [region.find_volume(volume_id) for volume_id in ids]
    volumes = volumes or region.visibility.visible(region.volumes)
    region.check_dry_run(parameters)
    filters = parameters.get("Filters", [])
    chosen = [
        volume
        for volume in volumes
        if matches(filters, volume_fields(volume), region.tags_of(volume.id))
    ]
    listed, token = page(chosen, parameters)
    return {"Volumes": [view_volume(region, volume) for volume in listed], "NextToken": token}


def describe_snapshots(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeSnapshots."""
    ids = parameters.get("SnapshotIds") or []
    snapshots = [region.find_snapshot(snapshot_id) for snapshot_id in ids]
    snapshots = snapshots or region.visibility.visible(region.snapshots)
    region.check_dry_run(parameters)
    owners = _owners(region, parameters.get("OwnerIds", []))
    filters = parameters.get("Filters", [])
    chosen = [
        snapshot
        for snapshot in snapshots
        if (not owners or snapshot.owner_id in owners)
        and matches(filters, snapshot_fields(snapshot), region.tags_of(snapshot.id))
    ]
    listed, token = page(chosen, parameters)
    return {
        "Snapshots": [view_snapshot(region, snapshot) for snapshot in listed],
        "NextToken": token,
    }


def describe_images(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeImages."""
    ids = parameters.get("ImageIds") or []
    images = [_find_described_image(region, image_id) for image_id in ids]
    images = images or region.visibility.visible(region.images)
    region.check_dry_run(parameters)
    owners = _owners(region, parameters.get("Owners", []))
    users = _owners(region, parameters.get("ExecutableUsers", []))
    filters = parameters.get("Filters", [])
    chosen = [
        image
        for image in images
        if _is_listed(region, image, parameters)
        and (not owners or {image.owner_id, image.owner_alias} & set(owners))
        and (not users or _may_launch(image, users))
        and matches(filters, image_fields(image), region.tags_of(image.id))
    ]
    listed, token = page(chosen, parameters)
    return {"Images": [view_image(region, image) for image in listed], "NextToken": token}


def describe_tags(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeTags."""
    kinds = {"i": "instance", "vol": "volume", "snap": "snapshot", "ami": "image"}
    kinds |= {"sg": "security-group", "key": "key-pair", "eni": "network-interface"}
    tags = []
    for resource_id in filter(region.visibility.is_visible, list(region.network.tags)):
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
    instances = [region.find_instance(instance_id) for instance_id in dict.fromkeys(ids)]
    filters = parameters.get("Filters", [])
    return [
        instance
        for instance in instances or region.visibility.visible(region.instances)
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
    """Tell whether EC2 lists an image, disabled and deprecated images only if asked for them."""
    if image.state == "disabled" and not parameters.get("IncludeDisabled"):
        return False
    is_deprecated = image.deprecation_time and image.deprecation_time <= region.core.clock.now()
    is_own = image.owner_id == region.account_id
    return bool(not is_deprecated or is_own or parameters.get("IncludeDeprecated"))


def _may_launch(image: Image, users: list[str]) -> bool:
    permissions = image.launch_permissions
    wanted = [{"Group": "all"} if user == "all" else {"UserId": user} for user in users]
    return any(permission in permissions for permission in wanted)


def describe_snapshot_attribute(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeSnapshotAttribute: who may create volumes from it."""
    snapshot: Snapshot = region.find_snapshot(parameters["SnapshotId"])
    if parameters["Attribute"] != "createVolumePermission":
        raise invalid_value(parameters["Attribute"], "attribute")
    permissions = [{"Group": group} for group in snapshot.groups]
    permissions += [{"UserId": user_id} for user_id in snapshot.user_ids]
    return {"SnapshotId": snapshot.id, "CreateVolumePermissions": permissions}
