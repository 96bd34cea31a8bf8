"""Starts the server of a name: the one that there is, or a new one from an image."""

import logging
from contextlib import nullcontext

from notebake.aws import server_calls, tags
from notebake.aws.clients import wait_for_first
from notebake.aws.instances import QUOTA_CODES
from notebake.aws.model import SecurityGroup
from notebake.errors import CloudError
from notebake.machines.identity import wait_for_host_key
from notebake.servers.elastic import ensure_elastic_address
from notebake.servers.find import servers_of
from notebake.servers.launch import first_of, launch, settle
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.may_run import add_what_runs, saying_what_runs
from notebake.servers.mounting import mount_disks
from notebake.servers.names import group_name
from notebake.servers.no_room import running_command
from notebake.servers.power import change_server, start_server
from notebake.servers.reach import reach
from notebake.servers.server import Server
from notebake.servers.server_disks import check_disks, disks_of
from notebake.servers.volume_choice import VolumeChoice, choose_volumes, in_zone_of
from notebake.servers.volumes import attach_volumes

log = logging.getLogger(__name__)


def find_existing(plan: LaunchPlan) -> Server | None:
    """Return the server of the plan's name and owner, if there is one that is not gone.

    Raises:
        SeveralServersError: there are several, and somebody may have worked on each of them.
    """
    found = servers_of(plan)
    return first_of(found) if found else None


def start(plan: LaunchPlan, vpc_id: str, *, mounts: bool = True) -> Server:
    """Return the server of this name, running, with its host key known and all its disks mounted.

    Typed again, also elsewhere or after a kill, it goes on where it was: what is there is found,
    and what is missing is made. Without `mounts`, as where there is no private key, its disks are
    mounted when it is opened. An error says whether a machine runs by then, and costs.
    """
    found = servers_of(plan)
    existing = first_of(found) if found else None
    volumes = choose_volumes(plan, existing)
    check_disks(plan.tags, existing)
    if existing and len(found) > 1:
        # An earlier start was killed before it ended all but one.
        existing = settle(plan, existing.id)
    if existing is None:
        existing = launch_new(in_zone_of(volumes, plan), vpc_id)
        # Of two that were started at the same moment the first stays, wherever it is.
        with saying_what_runs(existing, existing.id):
            volumes = choose_volumes(plan, existing)
    runs = existing.state in ("pending", "running")
    with saying_what_runs(existing, existing.id) if runs else nullcontext():
        existing = change_server(existing, plan.changes)
        server = start_server(existing)
    with saying_what_runs(server, server.id):
        return complete(server, plan, volumes, mounts=mounts)


def complete(
    server: Server, plan: LaunchPlan, volumes: list[VolumeChoice], *, mounts: bool
) -> Server:
    """Return a server that runs with its host key known, its address, and all its disks."""
    server = ensure_host_key(server)
    if plan.has_elastic_address or server.has_elastic_address:
        server = ensure_elastic_address(server)
    server = attach_volumes(server, volumes)
    if mounts and disks_of(server):
        mount_disks(server, reach(server, plan.owner, own_key="", may_start=False))
    return server


def launch_new(plan: LaunchPlan, vpc_id: str) -> Server:
    """Return the new machine of a server; if EC2 refuses it, its new group is removed again.

    Raises:
        CapacityError: no zone has room.
        CloudError: EC2 refused for another reason, such as a quota.
    """
    is_new = server_calls.find_group(group_name(plan.owner, plan.name), plan.region) is None
    group = ensure_group(plan, vpc_id)
    try:
        return launch(plan, group.id)
    except CloudError as error:
        if error.is_outcome_unknown:
            add_what_runs(error, plan)
        # Otherwise a machine may be in it: ours, or that of another computer.
        if is_new and not error.is_outcome_unknown and find_existing(plan) is None:
            log.info("Removing the security group %s again", group.id)
            server_calls.delete_group(group, plan.region)
        if error.code in QUOTA_CODES:
            error.with_next(running_command(plan.region))
        raise


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
    found = server_calls.default_subnets(region)
    wanted = ("SubnetId", "AvailabilityZone")
    subnets = tuple({name: str(subnet[name]) for name in wanted} for subnet in found)
    return str(found[0]["VpcId"]), subnets
