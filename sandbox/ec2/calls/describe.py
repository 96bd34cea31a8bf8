"""The Describe calls for instances, volumes, snapshots and images."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from sandbox.ec2.calls.filter_fields import (
    image_fields,
    instance_fields,
    snapshot_fields,
    volume_fields,
)
from sandbox.ec2.calls.filters import Fields, Item, matches, page
from sandbox.ec2.errors import ec2_error, invalid_value, not_found
from sandbox.ec2.images.view import view_image
from sandbox.ec2.instances.view import view_reservation
from sandbox.ec2.model import STATE_CODES, Image, Instance, Params, Snapshot, View, Volume
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import view_tags
from sandbox.ec2.storage.snapshots import check_own
from sandbox.ec2.storage.view import view_snapshot, view_volume

Resource = TypeVar("Resource", Instance, Volume, Snapshot, Image)


def describe_instances(region: Region, parameters: Params) -> View:
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


def describe_instance_status(region: Region, parameters: Params) -> View:
    """DescribeInstanceStatus: running instances only, unless all are requested."""
    region.check_dry_run(parameters)
    chosen = [
        instance
        for instance in _choose_instances(region, parameters)
        if parameters.get("IncludeAllInstances", False) or instance.state == "running"
    ]
    return _page_of("InstanceStatuses", chosen, parameters, _view_status)


def describe_volumes(region: Region, parameters: Params) -> View:
    """DescribeVolumes."""
    volumes = _find(region, parameters.get("VolumeIds"), region.find_volume, region.volumes)
    region.check_dry_run(parameters)
    chosen = _filter(region, parameters, volumes, volume_fields)
    return _page_of("Volumes", chosen, parameters, partial(view_volume, region))


def describe_snapshots(region: Region, parameters: Params) -> View:
    """DescribeSnapshots."""
    ids = parameters.get("SnapshotIds")
    snapshots = _find(region, ids, region.find_snapshot, region.shown_snapshots())
    region.check_dry_run(parameters)
    owners = _owners(region, parameters.get("OwnerIds", []))
    chosen = [
        snapshot
        for snapshot in _filter(region, parameters, snapshots, snapshot_fields)
        if not owners or snapshot.owner_id in owners
    ]
    return _page_of("Snapshots", chosen, parameters, partial(view_snapshot, region))


def describe_images(region: Region, parameters: Params) -> View:
    """DescribeImages."""
    find = partial(_find_described_image, region)
    images = _find(region, parameters.get("ImageIds"), find, region.shown_images())
    region.check_dry_run(parameters)
    owners = _owners(region, parameters.get("Owners", []))
    users = _owners(region, parameters.get("ExecutableUsers", []))
    chosen = [
        image
        for image in _filter(region, parameters, images, partial(image_fields, region))
        if _is_listed(region, image, parameters)
        and (not owners or {image.owner_id, image.owner_alias} & set(owners))
        and (not users or _may_launch(image, users))
    ]
    return _page_of("Images", chosen, parameters, partial(view_image, region))


def describe_tags(region: Region, parameters: Params) -> View:
    """DescribeTags."""
    kinds = {"i": "instance", "vol": "volume", "snap": "snapshot", "ami": "image"}
    kinds |= {"sg": "security-group", "key": "key-pair", "eni": "network-interface"}
    kinds["eipalloc"] = "elastic-ip"
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
    return _page_of("Tags", tags, parameters, lambda tag: tag)


def _choose_instances(region: Region, parameters: Params) -> list[Instance]:
    ids = parameters.get("InstanceIds")
    instances = _find(region, ids, region.find_instance, region.instances)
    return _filter(region, parameters, instances, partial(instance_fields, region))


def _find(
    region: Region,
    ids: list[str] | None,
    find: Callable[[str], Resource],
    resources: Mapping[str, Resource],
) -> list[Resource]:
    """Return the resources with these ids, or all that the call finds."""
    found = [find(resource_id) for resource_id in dict.fromkeys(ids or [])]
    return found or region.visibility.visible(resources)


def _filter(
    region: Region,
    parameters: Params,
    resources: list[Resource],
    fields: Callable[[Resource], Fields],
) -> list[Resource]:
    filters = parameters.get("Filters", [])
    return [
        item for item in resources if matches(filters, fields(item), region.shown_tags(item.id))
    ]


def _page_of(
    name: str, items: list[Item], parameters: Params, view: Callable[[Item], View]
) -> View:
    listed, token = page(items, parameters)
    return {name: [view(item) for item in listed], "NextToken": token}


def _view_status(instance: Instance) -> View:
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
    """Return whether EC2 lists an image, disabled ones only on request, deprecated ones also by id.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html
    """
    if image.state == "disabled" and not parameters.get("IncludeDisabled"):
        return False
    is_deprecated = image.deprecation_time and image.deprecation_time <= region.core.clock.now()
    is_own = image.owner_id == region.account_id
    is_asked_for = parameters.get("ImageIds") or parameters.get("IncludeDeprecated")
    return bool(not is_deprecated or is_own or is_asked_for)


def _may_launch(image: Image, users: list[str]) -> bool:
    permissions = image.launch_permissions
    wanted = [{"Group": "all"} if user == "all" else {"UserId": user} for user in users]
    return any(permission in permissions for permission in wanted)


def describe_snapshot_attribute(region: Region, parameters: Params) -> View:
    """DescribeSnapshotAttribute: who may create volumes from it."""
    snapshot: Snapshot = region.find_snapshot(parameters["SnapshotId"])
    check_own(region, snapshot)
    if parameters["Attribute"] != "createVolumePermission":
        raise invalid_value(parameters["Attribute"], "attribute")
    permissions = [{"Group": group} for group in snapshot.groups]
    permissions += [{"UserId": user_id} for user_id in snapshot.user_ids]
    return {"SnapshotId": snapshot.id, "CreateVolumePermissions": permissions}
