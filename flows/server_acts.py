"""What the flows on servers share: whose server it is, the flow run's name, the words of a form."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from flows.next_steps import is_read_in_ui
from flows.prefect_ui.flow_run_name import name_and_tag
from flows.servers_artifact import show_servers
from notebake.aws.identity import current_caller
from notebake.errors import NotebakeError
from notebake.local.usual_region import naming_each_region
from notebake.servers import names
from notebake.servers.find import find_own_server, find_server
from notebake.servers.server import Server
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)
FIELDS = {
    "--owner": "owner",
    "--region": "region",
    "--type": "instance_type",
    "--name": "name",
    "--key": "public_key",
    "--disk": "disks",
    "--volume": "volumes",
}
OPTION = re.compile(r"(--(?:owner|region|type|name|key|disk|volume))\b(?: [A-Z]+\b)?")


def owner_or_worker(owner: str, region: str) -> str:
    """Return the owner that was given, or the person of the worker's credentials."""
    return owner or names.owner_of(current_caller(region))


def find_for(act: str, name: str, owner: str, region: str) -> Server:
    """Return the server that a form names, and name the flow run; raises as `find_server` does."""
    find = find_own_server if owner else find_server
    server = find(name, owner_or_worker(owner, region), region)
    name_by_server(act, server.name, server.owner)
    return server


def name_by_server(act: str, name: str, owner: str) -> None:
    """Name the flow run by what it does to which server, and tag it with the server and its owner.

    Raises nothing: a failure is a warning.
    """
    name_and_tag(f"{act} {name}", [f"server:{name}", f"owner:{owner}"])


@contextmanager
def showing_servers(region: str) -> Iterator[None]:
    """Show the servers of the region when the block ends, also after a failure of it.

    What is to be typed is typed on another computer, so each command names its region.
    """
    allow_waits()
    try:
        with naming_each_region():
            yield
    except NotebakeError as error:
        if is_read_in_ui():
            error.hint = in_words_of_form(error.hint)
        try:
            show_servers([region])
        except NotebakeError as other:
            log.warning("The servers of %s could not be listed: %s", region, other.message)
        raise
    show_servers([region])


def in_words_of_form(hint: str) -> str:
    """Return a hint with the fields of a form in place of the options of the command line."""
    return OPTION.sub(lambda found: f"the field `{FIELDS[found[1]]}`", hint)
