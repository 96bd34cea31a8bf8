"""Keeps a notebook server from stopping by itself for a while, as a flow."""

from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.prefect_ui.form import KeepHours, OneRegion, Owner, ServerName
from flows.prefect_ui.plain_ending import ending_plainly
from flows.server_acts import find_for, showing_servers
from notebake.humanize import format_local
from notebake.servers.keep import keep_server as keep


@flow(name="Keep a server")
@ending_plainly
def keep_server(
    name: ServerName, region: OneRegion, hours: KeepHours = 3, owner: Owner = ""
) -> Any:
    """Keep a notebook server from stopping by itself, for want of use or at its daily end.

    It costs meanwhile what it costs. An earlier hard end is moved there.

    Args:
        name: Name of the server, or its instance id.
        region: The region in which it is, such as us-west-2.
        hours: How many hours from now, from 0.25 to 168.
        owner: Whose server it is, if several have this name; empty: the person of the worker's
            credentials, or the only one.

    Raises:
        NotebakeError: there is no such server, it does not run, or AWS refused.
    """
    with showing_servers(region):
        server = find_for("keep", name, owner, region)
        until = keep(server, round(hours * 60))
    message = (
        f"{server.name} of {server.owner} stops neither for want of use nor for its daily end"
        f" before {format_local(until)}."
    )
    return Completed(message=message, data=server.id)
