"""What of ours is in the account: every kind of resource that carries a run's tag."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from notebake.aws import tags
from notebake.aws.as_resource import as_resource
from notebake.aws.clients import calling, connect
from notebake.records import Resource


class Kind(NamedTuple):
    """How EC2 lists one kind of resource."""

    name: str
    operation: str
    key: str
    id_field: str
    id_filter: str = ""
    """The filter that finds it by its id, where it may be looked for so."""
    prefix: str = "no such id"
    mine: tuple[tuple[str, list[str]], ...] = ()
    """What keeps other accounts' out, where EC2 would show them."""


INSTANCE = Kind("instance", "describe_instances", "Reservations", "InstanceId", "instance-id", "i-")
KINDS = (
    INSTANCE,
    Kind("volume", "describe_volumes", "Volumes", "VolumeId", "volume-id", "vol-"),
    Kind(
        *("image", "describe_images", "Images", "ImageId", "image-id", "ami-"),
        mine=(("Owners", ["self"]),),
    ),
    Kind(
        *("snapshot", "describe_snapshots", "Snapshots", "SnapshotId", "snapshot-id", "snap-"),
        mine=(("OwnerIds", ["self"]),),
    ),
    Kind("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    Kind("key pair", "describe_key_pairs", "KeyPairs", "KeyPairId"),
    Kind(
        *("network interface", "describe_network_interfaces"),
        *("NetworkInterfaces", "NetworkInterfaceId"),
    ),
)
MOST_VALUES = 200
"""So many values a filter of EC2 takes at most (user guide, "Filtering")."""


def list_resources(region: str, run_id: str = "") -> list[Resource]:
    """Return everything in a region that carries a run's tag, terminated instances left out."""
    wanted = [{"Name": f"tag:{tags.RUN}", "Values": [run_id or "*"]}]
    return _with_images([one for kind in KINDS for one in _list(region, kind, wanted)])


def list_by_id(region: str, run_ids: Mapping[str, str]) -> list[Resource]:
    """Return what is there of these ids, whatever its tags say; `run_ids` says whose each is."""
    found: list[Resource] = []
    for kind in KINDS:
        ids = [one for one in run_ids if one.startswith(kind.prefix)]
        for start in range(0, len(ids), MOST_VALUES):
            wanted = [{"Name": kind.id_filter, "Values": ids[start : start + MOST_VALUES]}]
            found += _list(region, kind, wanted)
    return [one.model_copy(update={"run_id": run_ids[one.id]}) for one in _with_images(found)]


def with_users(region: str, found: list[Resource]) -> list[Resource]:
    """Return the resources, each key pair and security group with the ids of who uses it.

    A machine without our tag counts as well: somebody may have launched more like ours.
    """
    keys = [one.name for one in found if one.kind == "key pair"]
    groups = [one.id for one in found if one.kind == "security group"]
    users = _users(region, "key-name", keys) | _users(region, "instance.group-id", groups)
    by_key = {"key pair": "name", "security group": "id"}
    return [
        one.model_copy(update={"owners": tuple(sorted(users.get(getattr(one, field), set())))})
        if (field := by_key.get(one.kind))
        else one
        for one in found
    ]


def enabled_regions(region: str) -> tuple[str, ...]:
    """Return every region that the account may use, asked in one of them."""
    with calling(f"list the regions of the account ({region})"):
        found = connect("ec2", region).describe_regions()["Regions"]
    return tuple(sorted(str(one["RegionName"]) for one in found))


def _users(region: str, name: str, values: list[str]) -> dict[str, set[str]]:
    """Return the machines that use a key pair (by name) or a group (by id)."""
    users: dict[str, set[str]] = {}
    if not values:
        return users
    for one in _describe(region, INSTANCE, [{"Name": name, "Values": values}]):
        if one["State"]["Name"] != "terminated":
            groups = [group["GroupId"] for group in one.get("SecurityGroups", [])]
            for used in {one.get("KeyName", ""), *groups} & set(values):
                users.setdefault(used, set()).add(one["InstanceId"])
    return users


def _list(region: str, kind: Kind, wanted: list[dict[str, Any]]) -> Iterator[Resource]:
    """Give the records of one kind."""
    for one in _describe(region, kind, wanted):
        resource = as_resource(kind.name, one, one[kind.id_field], region)
        if (resource.kind, resource.state) != ("instance", "terminated"):
            yield resource


def _describe(region: str, kind: Kind, wanted: list[Any]) -> list[dict[str, Any]]:
    """Return all pages of a describe call."""
    ec2, mine = connect("ec2", region), dict(kind.mine)
    with calling(f"list what is ours in {region} ({kind.operation})"):
        if ec2.can_paginate(kind.operation):
            pages = list(ec2.get_paginator(kind.operation).paginate(Filters=wanted, **mine))
        else:
            pages = [getattr(ec2, kind.operation)(Filters=wanted, **mine)]
    found = [one for page in pages for one in page[kind.key]]
    if kind is INSTANCE:
        return [one for reservation in found for one in reservation["Instances"]]
    return found


def _with_images(found: list[Resource]) -> list[Resource]:
    """Return the resources, each snapshot with the image that stands on it."""
    images = {one.id: one for one in found if one.kind == "image"}
    return [
        one.model_copy(
            update={"owners": tuple(id for id, image in images.items() if one.id in image.parts)}
        )
        if one.kind == "snapshot"
        else one
        for one in found
    ]
