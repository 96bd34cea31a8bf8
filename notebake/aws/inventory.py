"""What of ours is in the account: every kind of resource that carries a run's tag."""

from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect
from notebake.records import Resource

KINDS: tuple[tuple[str, str, str, str, str], ...] = (
    ("volume", "describe_volumes", "Volumes", "VolumeId", "State"),
    ("image", "describe_images", "Images", "ImageId", "State"),
    ("snapshot", "describe_snapshots", "Snapshots", "SnapshotId", "State"),
    ("security group", "describe_security_groups", "SecurityGroups", "GroupId", ""),
    ("key pair", "describe_key_pairs", "KeyPairs", "KeyPairId", ""),
    (
        "network interface",
        "describe_network_interfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
        "Status",
    ),
)


def list_resources(region: str, run_id: str = "") -> list[Resource]:
    """Return everything in a region that carries a run's tag, terminated instances left out."""
    wanted = [{"Name": f"tag:{tags.RUN}", "Values": [run_id or "*"]}]
    found = _instances(region, wanted)
    for kind, operation, key, id_field, state_field in KINDS:
        found += [
            _as_resource(kind, one, one[id_field], str(one.get(state_field, "")))
            for one in _describe(region, operation, key, wanted)
        ]
    return found


def _instances(region: str, wanted: list[dict[str, Any]]) -> list[Resource]:
    """Return the instances that exist."""
    return [
        _as_resource("instance", one, one["InstanceId"], one["State"]["Name"])
        for reservation in _describe(region, "describe_instances", "Reservations", wanted)
        for one in reservation["Instances"]
        if one["State"]["Name"] != "terminated"
    ]


def _describe(region: str, operation: str, key: str, wanted: list[Any]) -> list[dict[str, Any]]:
    """Return all pages of a describe call."""
    ec2 = connect("ec2", region)
    with calling(f"list what carries the tag {tags.RUN} in {region} ({operation})"):
        if not ec2.can_paginate(operation):
            return list(getattr(ec2, operation)(Filters=wanted)[key])
        pages = ec2.get_paginator(operation).paginate(Filters=wanted)
        return [one for page in pages for one in page[key]]


def _as_resource(kind: str, found: dict[str, Any], resource_id: str, state: str) -> Resource:
    """Return the record of one resource; EC2 names its tags in two ways."""
    marks = tags.as_dict(found.get("Tags") or found.get("TagSet"))
    return Resource(
        kind=kind,
        id=resource_id,
        name=found.get("KeyName") or found.get("GroupName") or marks.get("Name", ""),
        state=state,
        run_id=marks.get(tags.RUN, ""),
        expires=marks.get(tags.EXPIRES, ""),
        tags=marks,
    )
