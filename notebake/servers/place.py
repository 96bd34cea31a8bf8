"""What this computer keeps of each server: key, port, host key, where it was reached last.

Nothing here is needed to find a server, only to be quicker, and to keep its port.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from notebake.local.atomic_files import write_file
from notebake.local.process import Process
from notebake.servers.folders import (
    ELSEWHERE,
    REACHED_NAME,
    KeptServer,
    Reached,
    claim_folder,
    credentials_of,
    folder_of,
    read_reached,
    region_of,
    servers_folder,
)

KEY_NAME = "id_ed25519"
PORT_NAME = "port"
PROCESS_NAME = "open.process"
"""The file of the process that holds a server open."""


def remember(reached: Reached) -> None:
    """Keep where a server was reached."""
    path = claim_folder(reached) / REACHED_NAME
    write_file(path, reached.model_dump_json(indent=2).encode() + b"\n")


def forget(server: KeptServer, *, is_last: bool) -> None:
    """Forget where a server was reached that is gone, and at which port of this computer.

    Unless it was the last machine of its name in its place, what is known of another one stays.
    """
    folder = folder_of(server)
    reached = read_reached(folder / REACHED_NAME)
    if is_last or (reached and reached.host.instance_id == server.instance_id):
        for each in (REACHED_NAME, PORT_NAME):
            (folder / each).unlink(missing_ok=True)


def process_path(server: KeptServer) -> Path:
    """Return the path of the file of the process that holds a server open."""
    return folder_of(server) / PROCESS_NAME


def is_held_open(reached: Reached) -> bool:
    """Return whether a process holds the server open, or was killed while it did."""
    return process_path(reached).exists()


def holder_of(server: KeptServer) -> Process | None:
    """Return the process that holds a server open, or was killed while it did; None: neither."""
    try:
        return Process.model_validate_json(process_path(server).read_bytes())
    except (OSError, ValueError):
        return None


def recall(name: str, *, owner: str, region: str) -> Reached | None:
    """Return where a server of this name was reached with these credentials; None if that is open.

    Without an owner it is the only server of that name, if there is only one: nobody else has one
    here that was started and not opened yet.
    """
    found = [
        reached
        for reached in _all_of(name)
        if reached.credentials == credentials_of(os.environ)
        and reached.region == region
        and owner in ("", reached.owner)
    ]
    if len(found) != 1 or (not owner and _has_unopened(name, region)):
        return None
    return found[0]


def _has_unopened(name: str, region: str) -> bool:
    """Return whether there is a key for a server of this name that was never opened here."""
    return any(
        not (path.parent / REACHED_NAME).exists() and region_of(path.parent) in (None, region)
        for path in _paths_of(name, KEY_NAME)
    )


def _all_of(name: str) -> Iterator[Reached]:
    yield from filter(None, map(read_reached, _paths_of(name, REACHED_NAME)))


def _paths_of(name: str, file: str) -> Iterator[Path]:
    """Give the paths of a file in all folders for servers of a name."""
    for folder in (name, f"{name}{ELSEWHERE}*"):
        yield from servers_folder().glob(f"*/{folder}/{file}")
