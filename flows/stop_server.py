"""Stops a notebook server as a flow; its disks stay."""

from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.prefect_ui.form import OneRegion, Owner, ServerName
from flows.prefect_ui.plain_ending import ending_plainly
from flows.server_acts import find_for, showing_servers
from flows.terminal.server_power import what_stays
from notebake.servers.next_command import command_on
from notebake.servers.power import stop_server as stop


@flow(name="Stop a server")
@ending_plainly
def stop_server(name: ServerName, region: OneRegion, owner: Owner = "") -> Any:
    """Stop a notebook server, and wait until it is stopped. What runs on it ends.

    Its disks stay, with all files, and cost a little. It can be started again at any time.

    Args:
        name: Name of the server, or its instance id.
        region: The region in which it is, such as us-west-2.
        owner: Whose server it is, if several have this name; empty: the person of the worker's
            credentials, or the only one.

    Raises:
        NotebakeError: there is no such server, or AWS refused.
    """
    with showing_servers(region):
        server = find_for("stop", name, owner, region)
        stop(server)
        command = command_on(server, "open")
    message = (
        f"{server.name} of {server.owner} ({server.id}) is stopped: {what_stays(server)} stay, and"
        f" cost a little. To go on, on your computer type: {command.command_line()}"
    )
    return Completed(message=message, data=server.id)
