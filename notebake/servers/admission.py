"""Lets this computer's address of today reach a server, and takes out the one from before."""

import logging
import os
import re
import socket

from notebake.aws import tags
from notebake.aws.ssh_rules import GroupRules, SshRule, let_in, list_ssh_rules, take_out
from notebake.local.loopback import is_loopback
from notebake.machines.worker_address import address_seen_by_amazon, address_towards
from notebake.servers.server import Server

log = logging.getLogger(__name__)
NOT_IN_DESCRIPTIONS = re.compile(r"[^a-zA-Z0-9. _:/()#,@\[\]+=&;{}!$*-]")
"""EC2 allows these and 255 characters (API reference, IpRange)."""


def admit(server: Server, person: str, computer: str = "") -> None:
    """Let ssh in from this computer's address, and from no other that it had before.

    The rule says whose it is, so rules of other people and other computers stay.

    Raises:
        PreflightError: the own address could not be found out.
        CloudError: EC2 refused.
    """
    groups = list_ssh_rules(list(server.group_ids), server.region)
    if not groups:
        return
    own = SshRule(f"{own_address(server)}/32", describe(person, computer or socket.gethostname()))
    group = _own_group(groups, server)
    if not any(rule.cidr == own.cidr for each in groups for rule in each.rules):
        log.info("Letting ssh in from %s (%s)", own.cidr, group.group_id)
        let_in(group.group_id, own, server.region)
    for rule in group.rules:
        if rule.description == own.description and rule.cidr != own.cidr:
            log.info("Taking out %s, this computer's address before", rule.cidr)
            take_out(group.group_id, rule, server.region)


def own_address(server: Server) -> str:
    """Return this computer's address as the server sees it."""
    is_here = is_loopback(os.environ.get("AWS_ENDPOINT_URL", ""))
    if server.public_address is None or is_here:
        return address_towards(f"{server.address}/32")
    return address_seen_by_amazon()


def describe(person: str, computer: str) -> str:
    """Return the description of the rule of a person's computer."""
    return NOT_IN_DESCRIPTIONS.sub("-", f"notebake: {person} on {computer}")[:255]


def _own_group(groups: list[GroupRules], server: Server) -> GroupRules:
    """Return the group that was made for the server; else the first."""
    made = [group for group in groups if group.tags.get(tags.SERVER) == server.name]
    return (made or groups)[0]
