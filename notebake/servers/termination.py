"""Terminates servers, with all that belongs to them alone. May be repeated, from any computer."""

import logging

from notebake.aws import server_calls
from notebake.aws.model import SecurityGroup
from notebake.aws.names import name_of_server_schedule
from notebake.aws.server_schedules import remove_stop
from notebake.errors import CloudError
from notebake.servers.elastic_release import release_addresses
from notebake.servers.find import servers_of
from notebake.servers.keys import forget_own
from notebake.servers.names import NAME, group_name
from notebake.servers.outside_ends import DAILY, ONCE, ensure_outside_ends, remove_outside_ends
from notebake.servers.place import forget
from notebake.servers.server import Server
from notebake.servers.ssh_config import remove_entry

log = logging.getLogger(__name__)
DENIED = "AccessDeniedException"


def terminate_server(server: Server) -> None:
    """Terminate a server, wait until it is gone, and remove what belonged to it alone.

    Its ends outside of it go first: once it is gone, nothing tells of them. If EC2 refuses, they
    are put back. Its ssh entry goes, too, and where this computer has reached it. What another
    machine of the same owner and name needs stays.
    """
    log.info("Terminating %s (%s)", server.name, server.id)
    remove_outside_ends(server)
    try:
        server_calls.terminate_server(server.id, server.region)
    except CloudError:
        ensure_outside_ends(server)
        raise
    if others := [each for each in servers_of(server) if each.id != server.id]:
        log.info("%s has the same owner and name, and keeps what belongs to both", others[0].id)
        ensure_outside_ends(others[0])
    else:
        _remove_address_and_group(server.owner, server.name, server.region)
        forget_own(server)
    remove_entry(server)
    forget(server, is_last=not others)


def remove_parts(owner: str, name: str, region: str) -> list[str]:
    """Remove all that is left of a server that is gone, wherever it ended; return what went."""
    removed = _remove_address_and_group(owner, name, region)
    return [*removed, *_remove_left_ends(owner, name, region)]


def _remove_address_and_group(owner: str, name: str, region: str) -> list[str]:
    removed = release_addresses(owner, name, region)
    group = remove_group(owner, name, region)
    return [*removed, *([group.id] if group else [])]


def remove_group(owner: str, name: str, region: str) -> SecurityGroup | None:
    """Remove the security group of a server that is gone; return it, or None if there is none."""
    found = server_calls.find_group(group_name(owner, name), region)
    if found:
        log.info("Removing the security group %s", found.id)
        server_calls.delete_group(found, region)
    return found


def _remove_left_ends(owner: str, name: str, region: str) -> list[str]:
    """Remove the schedules of a server that is gone, if it had any; return their names.

    They cost nothing, and most servers have none: where that cannot be done, it is only said.
    """
    removed: list[str] = []
    if not NAME.fullmatch(name):
        return removed
    for schedule in (name_of_server_schedule(owner, name, kind) for kind in (DAILY, ONCE)):
        try:
            if remove_stop(schedule, region):
                log.info("Removing the schedule %s", schedule)
                removed.append(schedule)
        except CloudError as error:
            reason = "scheduler:DeleteSchedule is not allowed" if error.code == DENIED else error
            log.warning(
                "The schedule stays, if there is one: %s. To remove it: aws scheduler"
                " delete-schedule --name %s --region %s",
                *(reason, schedule, region),
            )
    return removed
