"""Starts the server of a name: the one that there is, or a new one from an image."""

import logging
from typing import Any

from notebake.aws import networks, server_calls, tags
from notebake.aws.clients import wait_for_first
from notebake.aws.model import SecurityGroup
from notebake.errors import CloudError
from notebake.machines.identity import wait_for_host_key
from notebake.recipe import Network
from notebake.servers.find import list_servers
from notebake.servers.launch import launch
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.names import group_name
from notebake.servers.power import change_server, start_server
from notebake.servers.server import Server

log = logging.getLogger(__name__)


def find_existing(plan: LaunchPlan) -> Server | None:
    """Return the server of the plan's name and owner, if there is one that is not gone."""
    for server in list_servers(plan.region):
        if (server.owner, server.name) == (plan.owner, plan.name):
            return server
    return None


def start(plan: LaunchPlan, vpc_id: str) -> Server:
    """Return the server of this name, running and with its host key known.

    Typed again, also elsewhere or after a kill, it goes on where it was: what is there is found,
    and what is missing is made.
    """
    existing = find_existing(plan)
    if existing is None:
        group = ensure_group(plan, vpc_id)
        existing = launch(plan, group.id)
    existing = change_server(existing, plan.changes)
    return ensure_host_key(start_server(existing))


def ensure_group(plan: LaunchPlan, vpc_id: str) -> SecurityGroup:
    """Return the server's security group; a new one lets nobody in until the server is opened."""
    name = group_name(plan.owner, plan.name)
    if found := server_calls.find_group(name, plan.region):
        return found
    marks: dict[str, str] = {
        "Name": name,
        **plan.tags,
        tags.SERVER: plan.name,
        tags.OWNER: plan.owner,
    }
    try:
        return server_calls.create_group(name, marks, vpc_id, plan.region)
    except CloudError as error:
        if error.code != "InvalidGroup.Duplicate":
            raise
        return wait_for_first(
            lambda: server_calls.find_group(name, plan.region), f"the group {name}"
        )


def ensure_host_key(server: Server) -> Server:
    """Return the server with its host key, read from its console at its first start.

    The console is kept for an hour at least, so the key is kept as a tag.

    Raises:
        WaitTimeoutError: the console did not show it.
    """
    if server.host_key:
        return server
    log.info("Waiting for the first boot of %s to show its host key", server.name)
    key = wait_for_host_key(server.id, server.region)
    server_calls.tag_server(server.id, {tags.HOST_KEY: key}, server.region)
    return server.model_copy(update={"tags": server.tags | {tags.HOST_KEY: key}})


def subnets_to_try(region: str) -> tuple[str, tuple[dict[str, str], ...]]:
    """Return the VPC and the subnets for a server: the default one of each zone."""
    found: list[dict[str, Any]] = networks.find_subnets(Network(), region)
    wanted = ("SubnetId", "AvailabilityZone")
    subnets = tuple({name: str(subnet[name]) for name in wanted} for subnet in found)
    return str(found[0]["VpcId"]), subnets
