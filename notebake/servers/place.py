"""What this computer keeps of each server: key, port, host key, where it was reached last.

Nothing here is needed to find a server, only to be quicker, and to keep its port.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from notebake.local.atomic_files import write_file
from notebake.local.home import home
from notebake.local.process import Process
from notebake.record import Record, digest_of
from notebake.servers.next_command import NamedServer
from notebake.ssh.host import Host

KEY_NAME = "id_ed25519"
REACHED_NAME = "reached.json"
PORT_NAME = "port"
PROCESS_NAME = "open.process"
"""The file of the process that holds a server open."""
NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9@._+-]")
CREDENTIALS = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE")
"""Variables on which it depends whose servers these are."""


class Reached(Record):
    """A server as it was reached, and with which credentials it was found."""

    name: str
    owner: str
    region: str
    host: Host
    jupyter_port: int | None = None
    credentials: str = ""


def servers_folder() -> Path:
    """Return the folder of all servers.

    Raises:
        HomeError: notebake has no home.
    """
    return home() / "servers"


def folder_of(owner: str, name: str) -> Path:
    """Return the folder of a server, whether it exists or not; no two owners share it."""
    plain = NOT_IN_FILE_NAMES.sub("-", owner)
    if plain != owner or plain.strip(".") == "":
        plain += f"-{hashlib.sha256(owner.encode()).hexdigest()[:8]}"
    return servers_folder() / plain / name


def remember(reached: Reached) -> None:
    """Keep where a server was reached."""
    path = folder_of(reached.owner, reached.name) / REACHED_NAME
    write_file(path, reached.model_dump_json(indent=2).encode() + b"\n")


def forget(owner: str, name: str) -> None:
    """Forget where a server was reached that is gone, and at which port of this computer."""
    for each in (REACHED_NAME, PORT_NAME):
        (folder_of(owner, name) / each).unlink(missing_ok=True)


def process_path(server: NamedServer) -> Path:
    """Return the path of the file of the process that holds a server open."""
    return folder_of(server.owner, server.name) / PROCESS_NAME


def is_held_open(reached: Reached) -> bool:
    """Return whether a process holds the server open, or was killed while it did."""
    return process_path(reached).exists()


def holder_of(server: NamedServer) -> Process | None:
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
    if len(found) != 1 or (not owner and _has_unopened(name)):
        return None
    return found[0]


def credentials_of(variables: Mapping[str, str]) -> str:
    """Return what tells credentials apart without asking AWS; it shows none of them."""
    return digest_of(*(variables.get(name, "") for name in CREDENTIALS))


def _has_unopened(name: str) -> bool:
    """Return whether there is a key for a server of this name that was never opened here."""
    keys = servers_folder().glob(f"*/{name}/{KEY_NAME}")
    return any(not (path.parent / REACHED_NAME).exists() for path in keys)


def _all_of(name: str) -> Iterator[Reached]:
    for path in servers_folder().glob(f"*/{name}/{REACHED_NAME}"):
        try:
            yield Reached.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
