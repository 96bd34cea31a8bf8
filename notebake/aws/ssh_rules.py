"""Single rules of a security group that let ssh in, each with a description of whose it is."""

from typing import Any, NamedTuple

from notebake.aws import networks, tags
from notebake.aws.clients import connect
from notebake.aws.kinds import SECURITY_GROUP, list_kind
from notebake.aws.permissions import needs
from notebake.aws.server_calls import CHANGE

OPEN = "`notebake open`"


class SshRule(NamedTuple):
    """A CIDR block that may reach port 22."""

    cidr: str
    description: str


class GroupRules(NamedTuple):
    """A security group, its tags, and its rules for port 22."""

    group_id: str
    tags: dict[str, str]
    rules: tuple[SshRule, ...]


def list_ssh_rules(group_ids: list[str], region: str) -> list[GroupRules]:
    """Return the rules for port 22 of security groups."""
    return [
        GroupRules(
            group["GroupId"],
            tags.as_dict(group.get("Tags")),
            tuple(
                SshRule(block["CidrIp"], block.get("Description", ""))
                for permission in group["IpPermissions"]
                if permission.get("FromPort") == permission.get("ToPort") == 22
                for block in permission["IpRanges"]
            ),
        )
        for group in list_kind(region, SECURITY_GROUP, "group-id", group_ids)
    ]


@needs("ec2:AuthorizeSecurityGroupIngress", CHANGE.on("security-group"), only_for=OPEN)
def let_in(group_id: str, rule: SshRule, region: str) -> None:
    """Let a block in, unless it is let in already, by whatever rule."""
    what = f"let ssh in from {rule.cidr} in {group_id}"
    call = connect("ec2", region).authorize_security_group_ingress
    networks.change_rule(call, group_id, _permission(rule), what)


@needs("ec2:RevokeSecurityGroupIngress", CHANGE.on("security-group"), only_for=OPEN)
def take_out(group_id: str, rule: SshRule, region: str) -> None:
    """Remove the rule of a block, unless it is gone already."""
    what = f"take ssh out from {rule.cidr} in {group_id}"
    call = connect("ec2", region).revoke_security_group_ingress
    networks.change_rule(call, group_id, _permission(rule), what)


def _permission(rule: SshRule) -> dict[str, Any]:
    permission = networks.ssh_from(rule.cidr)
    if rule.description:
        permission["IpRanges"][0]["Description"] = rule.description
    return permission
