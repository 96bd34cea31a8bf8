"""Subnets, and the security group that allows ssh."""

from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect, until_known
from notebake.aws.kinds import SECURITY_GROUP
from notebake.aws.model import SecurityGroup
from notebake.aws.permissions import needs
from notebake.aws.policies import DESCRIBE, MAKE_OURS, START_FROM, USE_OURS
from notebake.aws.single_flight import SHORT_SECONDS, cached_per_region
from notebake.errors import CloudError, PreflightError
from notebake.recipe import Network
from notebake.timeouts import GROUP_SECONDS
from notebake.waiting import wait_until


@needs("ec2:DescribeSubnets", DESCRIBE, by_check=True)
@cached_per_region(SHORT_SECONDS)
def find_subnets(network: Network, region: str) -> list[dict[str, Any]]:
    """Return the subnets to try, in order: the recipe's, or one default subnet for each zone.

    Raises:
        PreflightError: there is none, or they are in different VPCs.
    """
    ec2 = connect("ec2", region)
    with calling(f"describe the subnets in {region}"):
        if network.subnet_ids:
            found = ec2.describe_subnets(SubnetIds=list(network.subnet_ids))["Subnets"]
            check_one_vpc(found, network.vpc_id)
            return sorted(found, key=lambda subnet: network.subnet_ids.index(subnet["SubnetId"]))
        filters = [{"Name": "vpc-id", "Values": [network.vpc_id]}]
        if network.vpc_id is None:
            filters = [{"Name": "default-for-az", "Values": ["true"]}]
        found = ec2.describe_subnets(Filters=filters)["Subnets"]
    if not found:
        raise PreflightError(
            f"{network.vpc_id or 'The default VPC'} in {region} has no subnet for the machines.",
            "Name network.vpc_id and network.subnet_ids in the recipe.",
        )
    return sorted(found, key=lambda subnet: str(subnet["AvailabilityZone"]))


def check_one_vpc(subnets: list[dict[str, Any]], vpc_id: str | None) -> None:
    """Raise PreflightError unless all subnets are in one VPC: that of the recipe, if it has one.

    The run's security group belongs to one VPC.
    """
    wanted = vpc_id or (subnets[0]["VpcId"] if subnets else None)
    others = [
        f"{subnet['SubnetId']} in {subnet['VpcId']}"
        for subnet in subnets
        if subnet["VpcId"] != wanted
    ]
    if others:
        raise PreflightError(
            f"The machines must be in one VPC, {wanted}, but network.subnet_ids has"
            f" {', '.join(others)}.",
            "Name subnets of one VPC as network.subnet_ids, and leave network.vpc_id out.",
        )


@needs("ec2:CreateSecurityGroup", MAKE_OURS.on("security-group"), START_FROM.on("vpc"))
def create_security_group(
    name: str,
    marks: dict[str, str],
    vpc_id: str,
    region: str,
    *,
    what_for: str = "ssh to the machines of one notebake run",
) -> SecurityGroup:
    """Create a security group without rules, with tags; EC2 shows `what_for` as its description.

    Raises:
        CloudError: InvalidGroup.Duplicate if the name is taken in the VPC.
    """
    with calling(f"create the security group {name} in {vpc_id}"):
        answer = connect("ec2", region).create_security_group(
            GroupName=name,
            Description=what_for,
            VpcId=vpc_id,
            TagSpecifications=tags.specifications(marks, "security-group"),
        )
    return SecurityGroup(id=answer["GroupId"])


def ssh_from(*cidrs: str) -> dict[str, Any]:
    """Return the rule that allows CIDR blocks to reach port 22."""
    ranges = [{"CidrIp": cidr} for cidr in cidrs]
    return {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": ranges}


SSH_INTO_NONE: dict[str, Any] = {
    "GroupId": SECURITY_GROUP.stand_in,
    "IpPermissions": [ssh_from("192.0.2.1/32")],
}


@needs("ec2:AuthorizeSecurityGroupIngress", USE_OURS.on("security-group"), **SSH_INTO_NONE)
@needs("ec2:RevokeSecurityGroupIngress", USE_OURS.on("security-group"), **SSH_INTO_NONE)
def allow_ssh(group: SecurityGroup, wanted: tuple[str, ...], region: str) -> SecurityGroup:
    """Allow exactly the wanted CIDR blocks to reach port 22. May be repeated.

    One call each: EC2 refuses a whole call for one block that is there already, or gone, and may
    have shown that late.
    """
    ec2 = connect("ec2", region)
    for cidr in wanted:
        if cidr not in group.ssh_from:
            what = f"authorize ssh from {cidr} in {group.id}"
            change_rule(ec2.authorize_security_group_ingress, group.id, ssh_from(cidr), what)
    for cidr in group.ssh_from:
        if cidr not in wanted:
            what = f"revoke ssh from {cidr} in {group.id}"
            change_rule(ec2.revoke_security_group_ingress, group.id, ssh_from(cidr), what)
    return SecurityGroup(id=group.id, ssh_from=tuple(sorted(wanted)))


def change_rule(call: Any, group_id: str, rule: dict[str, Any], what: str) -> None:
    """Add or remove a rule by a client's call, unless that has been done already."""
    try:
        until_known(lambda: call(GroupId=group_id, IpPermissions=[rule]), what=what)
    except CloudError as error:
        if error.code not in {"InvalidPermission.Duplicate", "InvalidPermission.NotFound"}:
            raise


@needs("ec2:DeleteSecurityGroup", USE_OURS.on("security-group"), GroupId=SECURITY_GROUP.stand_in)
def delete_security_group(group: SecurityGroup, region: str) -> None:
    """Delete a security group; retry while EC2 still shows a network interface in it."""

    def is_deleted() -> bool | None:
        try:
            with calling(f"delete {group.id}"):
                connect("ec2", region).delete_security_group(GroupId=group.id)
        except CloudError as error:
            if error.code == "DependencyViolation":
                return None
            if error.code != "InvalidGroup.NotFound":
                raise
        return True

    wait_until(is_deleted, what=f"{group.id} to be unused", timeout_seconds=GROUP_SECONDS)
