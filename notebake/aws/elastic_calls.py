"""The calls for elastic addresses of servers, known by the tags of their server."""

from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect, until_known
from notebake.aws.permissions import needs
from notebake.aws.server_calls import CHANGE, LOOK, MAKE
from notebake.errors import CloudError

OPTION = "`notebake start --elastic-address`"
GONE = frozenset(("InvalidAllocationID.NotFound", "InvalidAddressID.NotFound"))


def list_addresses(name: str, owner: str, region: str) -> list[dict[str, Any]]:
    """Return EC2's descriptions of the elastic addresses of a server."""
    wanted = {f"tag:{tags.SERVER}": name, f"tag:{tags.OWNER}": owner}
    return _describe(wanted, region)


def list_all_addresses(region: str) -> list[dict[str, Any]]:
    """Return EC2's descriptions of the elastic addresses of all servers."""
    return _describe({"tag-key": tags.SERVER}, region)


def is_free(address: dict[str, Any]) -> bool:
    """Return whether an elastic address, as EC2 describes it, stands for nothing now."""
    return not (address.get("InstanceId") or address.get("AssociationId"))


@needs("ec2:DescribeAddresses", LOOK, only_for=OPTION)
def _describe(wanted: dict[str, str], region: str) -> list[dict[str, Any]]:
    filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
    with calling(f"list the elastic addresses of servers in {region}"):
        found = connect("ec2", region).describe_addresses(Filters=filters)
    return list(found["Addresses"])


@needs("ec2:AllocateAddress", MAKE.on("elastic-ip"), only_for=OPTION)
def allocate_address(marks: dict[str, str], region: str) -> str:
    """Allocate an elastic address, and return its allocation id; each call gives another one.

    Raises:
        CloudError: EC2 refused, with AddressLimitExceeded where the quota is used up.
    """
    with calling(f"allocate an elastic address in {region}"):
        answer = connect("ec2", region, tries=1).allocate_address(
            Domain="vpc", TagSpecifications=tags.specifications(marks, "elastic-ip")
        )
    return str(answer["AllocationId"])


@needs(
    "ec2:AssociateAddress",
    CHANGE.on("elastic-ip", "instance", "network-interface"),
    only_for=OPTION,
)
def associate_address(allocation_id: str, instance_id: str, region: str) -> None:
    """Let an elastic address stand for a server that runs. May be repeated."""
    ec2 = connect("ec2", region)
    until_known(
        lambda: ec2.associate_address(
            AllocationId=allocation_id, InstanceId=instance_id, AllowReassociation=False
        ),
        what=f"associate {allocation_id} with {instance_id}",
    )


@needs("ec2:ReleaseAddress", CHANGE.on("elastic-ip"), only_for=OPTION)
def release_address(allocation_id: str, region: str) -> None:
    """Give an elastic address back. May be repeated.

    Raises:
        CloudError: InvalidIPAddress.InUse while a machine has it.
    """
    try:
        with calling(f"release {allocation_id}"):
            connect("ec2", region).release_address(AllocationId=allocation_id)
    except CloudError as error:
        if error.code not in GONE:
            raise
