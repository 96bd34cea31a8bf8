"""Removes a notebook server with its disks, as a flow; it removes nothing unless `apply` is set."""

import logging
from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.prefect_ui.form import OneRegion, Owner, ServerName
from flows.prefect_ui.plain_ending import ending_plainly
from flows.server_acts import name_by_server, owner_or_worker, showing_servers
from flows.terminal.server_losses import describe_losses
from notebake.servers.find import NoSuchServerError, find_own_server
from notebake.servers.losses import losses_of
from notebake.servers.server import Server
from notebake.servers.termination import remove_parts
from notebake.servers.termination import terminate_server as terminate

log = logging.getLogger(__name__)


@flow(name="Terminate a server")
@ending_plainly
def terminate_server(
    name: ServerName, region: OneRegion, apply: bool = False, owner: Owner = ""
) -> Any:
    """Say what is lost if a notebook server is removed with its disks; remove it, if told.

    Args:
        name: Name of the server, or its instance id.
        region: The region in which it is, such as us-west-2.
        apply: Remove it, for good. Otherwise nothing is changed, and the result says what would be
            lost.
        owner: Whose server it is; empty: the person of the worker's credentials. Nobody else's is
            removed, also if it is the only one of that name.

    Raises:
        NotebakeError: there is no such server, or AWS refused.
    """
    with showing_servers(region):
        whose = owner_or_worker(owner, region)
        try:
            server = find_own_server(name, whose, region)
        except NoSuchServerError:
            # An earlier flow run may have ended before it removed what belonged to the server.
            removed = remove_parts(whose, name, region) if apply else []
            if not removed:
                raise
            return Completed(message=f"{name} was gone already. Removed: {', '.join(removed)}.")
        name_by_server("terminate", server.name, server.owner)
        message = carry_out(server, apply=apply)
    return Completed(message=message, data=server.id)


def carry_out(server: Server, *, apply: bool) -> str:
    """Say what is lost, remove the server if told, and return the outcome in words."""
    losses = list(describe_losses(server, losses_of(server, server.owner)))
    for line in losses:
        log.info("%s", line)
    if not apply:
        return f"Nothing was removed. To remove it, run this again with apply. {' '.join(losses)}"
    terminate(server)
    return f"{server.name} of {server.owner} ({server.id}) is terminated."
