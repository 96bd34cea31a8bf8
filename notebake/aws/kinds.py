"""The kinds of resources that runs create, and how EC2 lists each kind."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from notebake.aws.clients import calling, connect
from notebake.aws.permissions import needs
from notebake.aws.policies import DESCRIBE


class Kind(NamedTuple):
    """How EC2 lists one kind of resource."""

    name: str
    operation: str
    key: str
    id_field: str
    id_filter: str = ""
    """The filter by id."""
    prefix: str = "no such id"
    mine: tuple[tuple[str, list[str] | bool], ...] = ()
    """The parameters that exclude resources of other accounts, and include all of our own."""

    @property
    def stand_in(self) -> str:
        """An id that does not exist, for calls with DryRun."""
        return f"{self.prefix}{'0' * 17}"


INSTANCE = Kind("instance", "describe_instances", "Reservations", "InstanceId", "instance-id", "i-")
VOLUME = Kind("volume", "describe_volumes", "Volumes", "VolumeId", "volume-id", "vol-")
IMAGE = Kind(
    *("image", "describe_images", "Images", "ImageId", "image-id", "ami-"),
    # Without it EC2 hides what is disabled, though its snapshots are still there and in use:
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html
    mine=(("Owners", ["self"]), ("IncludeDisabled", True)),
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
MAX_VALUES = 200
"""The maximum number of values in a filter (EC2 user guide, "Filtering")."""
MANY_IDS = 5 * MAX_VALUES
"""So many ids are asked for; of more, all that the account has is listed: five calls or fewer, as
long as it has at most 5000 of the kind."""


def list_kind(region: str, kind: Kind, filter_name: str, values: list[str]) -> list[dict[str, Any]]:
    """Return EC2's descriptions of all resources with one of the values, from all pages."""
    wanted = [
        {"Name": filter_name, "Values": values[start : start + MAX_VALUES]}
        for start in range(0, len(values), MAX_VALUES)
    ]
    return [found for each in wanted for found in _listed(region, kind, Filters=[each])]


def list_by_ids(region: str, kind: Kind, ids: list[str]) -> list[dict[str, Any]]:
    """Return EC2's descriptions of all resources with one of the ids, however many ids these are.

    Most of many ids are those of resources that are gone.
    """
    if len(ids) <= MANY_IDS:
        return list_kind(region, kind, kind.id_filter, ids)
    wanted = frozenset(ids)
    return [each for each in _listed(region, kind) if each[kind.id_field] in wanted]


def _listed(region: str, kind: Kind, **wanted: object) -> list[dict[str, Any]]:
    """Return what one describe call lists on all its pages."""
    with calling(f"list each {kind.name} in {region} ({kind.operation})"):
        found = [each for page in _pages(region, kind, wanted) for each in page[kind.key]]
    if kind is INSTANCE:
        # The account stands beside the instances of a launch.
        return [
            {"OwnerId": reservation.get("OwnerId", ""), **instance}
            for reservation in found
            for instance in reservation["Instances"]
        ]
    return found


@needs("ec2:DescribeImages", DESCRIBE, by_check=True)
@needs("ec2:DescribeInstances", DESCRIBE)
@needs("ec2:DescribeKeyPairs", DESCRIBE)
@needs("ec2:DescribeNetworkInterfaces", DESCRIBE)
@needs("ec2:DescribeSecurityGroups", DESCRIBE)
@needs("ec2:DescribeSnapshots", DESCRIBE)
@needs("ec2:DescribeVolumes", DESCRIBE)
def _pages(region: str, kind: Kind, wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the pages of one describe call; some operations have no pages."""
    ec2, given = connect("ec2", region), dict(kind.mine) | wanted
    if ec2.can_paginate(kind.operation):
        yield from ec2.get_paginator(kind.operation).paginate(**given)
    else:
        yield getattr(ec2, kind.operation)(**given)
