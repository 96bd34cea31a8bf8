"""The kinds of resources that runs make, and how EC2 lists each."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from notebake.aws.clients import calling, connect
from notebake.aws.permissions import needs
from notebake.aws.policies import LOOK


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

    @property
    def stand_in(self) -> str:
        """An id of nothing: a call that is tried with it could end or change nothing."""
        return f"{self.prefix}{'0' * 17}"


INSTANCE = Kind("instance", "describe_instances", "Reservations", "InstanceId", "instance-id", "i-")
VOLUME = Kind("volume", "describe_volumes", "Volumes", "VolumeId", "volume-id", "vol-")
IMAGE = Kind(
    *("image", "describe_images", "Images", "ImageId", "image-id", "ami-"),
    mine=(("Owners", ["self"]),),
)
SNAPSHOT = Kind(
    *("snapshot", "describe_snapshots", "Snapshots", "SnapshotId", "snapshot-id", "snap-"),
    mine=(("OwnerIds", ["self"]),),
)
SECURITY_GROUP = Kind(
    *("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    *("group-id", "sg-"),
)
KEY_PAIR = Kind("key pair", "describe_key_pairs", "KeyPairs", "KeyPairId", "key-pair-id", "key-")
NETWORK_INTERFACE = Kind(
    *("network interface", "describe_network_interfaces"),
    *("NetworkInterfaces", "NetworkInterfaceId", "network-interface-id", "eni-"),
)
KINDS = (INSTANCE, VOLUME, IMAGE, SNAPSHOT, SECURITY_GROUP, KEY_PAIR, NETWORK_INTERFACE)
MOST_VALUES = 200
"""So many values a filter of EC2 takes at most (user guide, "Filtering")."""


@needs("ec2:DescribeImages", LOOK, by_check=True)
@needs("ec2:DescribeInstances", LOOK)
@needs("ec2:DescribeKeyPairs", LOOK)
@needs("ec2:DescribeNetworkInterfaces", LOOK)
@needs("ec2:DescribeSecurityGroups", LOOK)
@needs("ec2:DescribeSnapshots", LOOK)
@needs("ec2:DescribeVolumes", LOOK)
def list_kind(region: str, kind: Kind, filter_name: str, values: list[str]) -> list[dict[str, Any]]:
    """Return EC2's descriptions of all that has one of the values: every page, or an error."""
    found: list[dict[str, Any]] = []
    with calling(f"look for what is ours in {region} ({kind.operation})"):
        for start in range(0, len(values), MOST_VALUES):
            wanted = {"Name": filter_name, "Values": values[start : start + MOST_VALUES]}
            for page in _pages(region, kind, wanted):
                found += page[kind.key]
    if kind is INSTANCE:
        return [one for reservation in found for one in reservation["Instances"]]
    return found


def _pages(region: str, kind: Kind, wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the pages of one describe call; some kinds come in one answer."""
    ec2, mine = connect("ec2", region), dict(kind.mine)
    if ec2.can_paginate(kind.operation):
        yield from ec2.get_paginator(kind.operation).paginate(Filters=[wanted], **mine)
    else:
        yield getattr(ec2, kind.operation)(Filters=[wanted], **mine)
