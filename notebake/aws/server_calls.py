"""The calls for servers: machines for people, known by the tag `notebake:server`.

The statements are those of deployments/policy-use.json, for people who use images and bake none.
"""

from typing import Any

from notebake.aws import instances, networks, tags
from notebake.aws.clients import calling, connect, until_known
from notebake.aws.instances import as_instance
from notebake.aws.kinds import INSTANCE, SECURITY_GROUP, VOLUME, list_kind
from notebake.aws.model import Instance, SecurityGroup
from notebake.aws.permissions import needs
from notebake.aws.policies import PolicyFile, Statement
from notebake.recipe import Network
from notebake.timeouts import STATE_SECONDS

USE = PolicyFile(
    "policy-use",
    "`notebake start`, `open`, `servers`, `stop`, `keep`, `terminate`: for who only uses images",
    lambda _: False,
)
HAS_SERVER, GETS_SERVER = f"aws:ResourceTag/{tags.SERVER}", f"aws:RequestTag/{tags.SERVER}"
GROUP_DESCRIPTION = "ssh to one notebook server of notebake"
SERVERS = "`notebake start`, `open`, `servers`, `stop`, `keep` and `terminate`"
LOOK = Statement(
    USE, "LookAtServers", "images, servers and their parts; AWS offers no narrower form", ("*",)
)
START_FROM = Statement(
    USE, "StartServersFrom", "an image and its snapshots, into a subnet; a group in a VPC"
)
MAKE = Statement(
    USE,
    "MakeServers",
    "machines with disks and interfaces, security groups, addresses: only with the server's tag",
    condition={"Null": {GETS_SERVER: "false"}},
)
TAG_MADE = Statement(
    USE,
    "TagServersThatAreMade",
    "that tag, in the call that makes the thing",
    condition={"Null": {GETS_SERVER: "false"}},
)
"""For no call of its own: see `TAG_WHAT_IS_MADE` of `policies`."""
CHANGE = Statement(
    USE,
    "UseServers",
    "starting, stopping and ending servers, reading their console, letting ssh in; their elastic"
    " addresses, and the servers' side of attaching volumes",
    condition={"Null": {HAS_SERVER: "false"}},
)
TAG = Statement(
    USE,
    "TagServers",
    "settings and the host key; any tag but name and owner",
    condition={
        "Null": {HAS_SERVER: "false"},
        "ForAllValues:StringNotEquals": {"aws:TagKeys": [tags.SERVER, tags.OWNER]},
    },
)

HAND_OVER_ROLE = Statement(
    USE,
    "HandOverRolesOfServers",
    "`--instance-profile`: roles whose names begin with `notebake-server`, to EC2 only",
    ("arn:*:iam::*:role/notebake-server*",),
    {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]}},
)
"""A server has all that its role may do: so may whoever opens it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""


@needs("ec2:DescribeInstances", LOOK, only_for=SERVERS)
def describe_servers(region: str) -> list[dict[str, Any]]:
    """Return EC2's descriptions of all machines with the tag of servers."""
    return list_kind(region, INSTANCE, "tag-key", [tags.SERVER])


@needs(
    "ec2:RunInstances",
    MAKE.on("instance", "volume", "network-interface"),
    START_FROM.on("image", "snapshot", "subnet"),
    CHANGE.on("security-group"),
    only_for=SERVERS,
)
@needs("iam:PassRole", HAND_OVER_ROLE, only_for=SERVERS)
def request_server(region: str, parameters: dict[str, Any]) -> Instance:
    """Send RunInstances exactly as given; its ClientToken makes a repetition harmless.

    Raises:
        CapacityError: the zone has no room.
    """
    return instances.request_instances(region, parameters)[0]


@needs("ec2:DescribeSubnets", LOOK, only_for=SERVERS)
def default_subnets(region: str) -> list[dict[str, Any]]:
    """Return the default subnet of each zone.

    Raises:
        PreflightError: there is none.
    """
    return networks.find_subnets(Network(), region)


@needs("ec2:DescribeSecurityGroups", LOOK, only_for=SERVERS)
def find_group(name: str, region: str) -> SecurityGroup | None:
    """Return the security group of this name, if it has the tag of servers."""
    for found in list_kind(region, SECURITY_GROUP, "group-name", [name]):
        if tags.SERVER in tags.as_dict(found.get("Tags")):
            return SecurityGroup(id=found["GroupId"])
    return None


@needs("ec2:CreateSecurityGroup", MAKE.on("security-group"), START_FROM.on("vpc"), only_for=SERVERS)
def create_group(name: str, marks: dict[str, str], vpc_id: str, region: str) -> SecurityGroup:
    """Create the security group of a server, without rules.

    Raises:
        CloudError: InvalidGroup.Duplicate if the name is taken in the VPC.
    """
    return networks.create_security_group(name, marks, vpc_id, region, what_for=GROUP_DESCRIPTION)


@needs("ec2:DescribeImages", LOOK, only_for=SERVERS)
def describe_images(region: str, **parameters: Any) -> list[dict[str, Any]]:
    """Return EC2's descriptions of images: own, shared with this account, and public ones."""
    with calling(f"describe images in {region}"):
        pages = connect("ec2", region).get_paginator("describe_images").paginate(**parameters)
        return [image for page in pages for image in page["Images"]]


@needs("ec2:CreateTags", TAG.on("instance"), only_for=SERVERS)
def tag_server(instance_id: str, marks: dict[str, str], region: str) -> None:
    """Set tags of a server."""
    ec2 = connect("ec2", region)
    until_known(
        lambda: ec2.create_tags(Resources=[instance_id], Tags=tags.as_list(marks)),
        what=f"tag {instance_id}",
    )


@needs("ec2:StartInstances", CHANGE.on("instance"), only_for=SERVERS)
def start_server(instance_id: str, region: str) -> None:
    """Request the start of a server that is stopped, without waiting for it. May be repeated."""
    instances.start_instance(instance_id, region, ready_seconds=STATE_SECONDS)


@needs("ec2:StopInstances", CHANGE.on("instance"), only_for=SERVERS)
def stop_server(instance_id: str, region: str) -> None:
    """Request the stop of a server, without waiting for it. May be repeated."""
    instances.stop_instance(instance_id, region)


@needs("ec2:TerminateInstances", CHANGE.on("instance"), only_for=SERVERS)
def terminate_server(instance_id: str, region: str) -> None:
    """Terminate a server, and wait until it is gone. May be repeated."""
    instances.terminate_instances([instance_id], region, shut_down_first=True)


@needs("ec2:GetConsoleOutput", CHANGE.on("instance"), only_for=SERVERS)
def read_console(instance_id: str, region: str) -> str:
    """Return the console output of a server."""
    return instances.read_console(instance_id, region)


@needs("ec2:DeleteSecurityGroup", CHANGE.on("security-group"), only_for=SERVERS)
def delete_group(group: SecurityGroup, region: str) -> None:
    """Delete the security group of a server that is gone. May be repeated."""
    networks.delete_security_group(group, region)


@needs("ec2:DescribeVolumes", LOOK, only_for=SERVERS)
def describe_volumes(volume_ids: list[str], region: str) -> list[dict[str, Any]]:
    """Return EC2's descriptions of disks."""
    return list_kind(region, VOLUME, "volume-id", volume_ids)


@needs("ec2:DescribeInstances", LOOK, only_for=SERVERS)
def describe_machine(instance_id: str, region: str) -> dict[str, Any] | None:
    """Return EC2's description of a machine in any state; None if EC2 does not know it (yet)."""
    found = list_kind(region, INSTANCE, INSTANCE.id_filter, [instance_id])
    return found[0] if found else None


@needs("ec2:DescribeInstances", LOOK, only_for=SERVERS)
def find_by_token(token: str, region: str) -> Instance | None:
    """Return the machine that was launched with a client token, if EC2 shows it (yet)."""
    found = list_kind(region, INSTANCE, "client-token", [token])
    return as_instance(found[0]) if found else None
