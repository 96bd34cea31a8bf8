"""The folder that this computer has for each server: for one owner, one name and one place.

A place is a region of an account: there a person has one server of a name.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from notebake.local.atomic_files import create_file
from notebake.local.home import home
from notebake.record import Record, digest_of
from notebake.servers.next_command import NamedServer
from notebake.ssh.host import Host

PLACE_NAME = "place.json"
"""The file that says for which place a folder is."""
REACHED_NAME = "reached.json"
ELSEWHERE = "@"
"""It stands between name and region in the folder of a second place; no name has it."""
NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9@._+-]")
CREDENTIALS = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE")
"""Variables on which it depends whose servers these are."""


class KeptServer(NamedServer, Protocol):
    """Whatever says which server is meant, and no other of that name elsewhere."""

    @property
    def account(self) -> str:
        """The id of its AWS account; "" if that is not known."""

    @property
    def instance_id(self) -> str:
        """ "" for one that is not there yet."""


class NewServer(Record):
    """A server that is not there yet."""

    name: str
    owner: str
    region: str
    account: str = ""
    instance_id: str = ""


class Place(Record):
    """The place for which a folder is."""

    region: str
    account: str


class Reached(Record):
    """A server as it was reached, and with which credentials it was found."""

    name: str
    owner: str
    region: str
    account: str = ""
    """"" as it was kept before accounts were."""
    host: Host
    jupyter_port: int | None = None
    credentials: str = ""

    @property
    def instance_id(self) -> str:
        return self.host.instance_id


def servers_folder() -> Path:
    """Return the folder of all servers.

    Raises:
        HomeError: notebake has no home.
    """
    return home() / "servers"


def folder_of(server: KeptServer) -> Path:
    """Return the folder of a server, whether it exists or not.

    No two owners share it, and no two places: that of the first is NAME, of others NAME@REGION.
    """
    folders = _folders_for(server)
    found = {folder: _is_for(folder, server) for folder in folders}
    own = next((folder for folder in folders if found[folder]), None)
    free = next((folder for folder in folders if found[folder] is None), None)
    return own or free or folders[-1]


def first_folder(server: KeptServer) -> Path:
    """Return the folder for servers of a name that were here first, wherever they are."""
    return _folders_for(server)[0]


def claim_folder(server: KeptServer) -> Path:
    """Return the folder of a server, which from now on is no other place's."""
    folder = folder_of(server)
    if not server.account or (folder / PLACE_NAME).exists():
        return folder
    place = Place(region=server.region, account=server.account)
    is_ours = create_file(folder / PLACE_NAME, place.model_dump_json().encode() + b"\n")
    return folder if is_ours else claim_folder(server)


def _folders_for(server: KeptServer) -> list[Path]:
    """Return the folders that a server may have, in the order in which they are taken."""
    plain = NOT_IN_FILE_NAMES.sub("-", server.owner)
    if plain != server.owner or plain.strip(".") == "":
        plain += f"-{hashlib.sha256(server.owner.encode()).hexdigest()[:8]}"
    second = f"{server.name}{ELSEWHERE}{server.region}"
    third = f"{second}-{digest_of(server.account)[:8]}"
    return [servers_folder() / plain / each for each in (server.name, second, third)]


def _is_for(folder: Path, server: KeptServer) -> bool | None:
    """Return whether a folder is for the place of a server; None if it is for none yet.

    One from before places were kept is for that of the server that was reached there.
    """
    if place := _read_place(folder):
        return place.region == server.region and server.account in ("", place.account)
    reached = read_reached(folder / REACHED_NAME)
    if reached is None:
        return None
    is_the_same = server.instance_id == reached.host.instance_id
    has_its_credentials = reached.credentials == credentials_of(os.environ)
    is_known = is_the_same or has_its_credentials or not server.account
    return reached.region == server.region and is_known


def credentials_of(variables: Mapping[str, str]) -> str:
    """Return what tells credentials apart without asking AWS; it shows none of them."""
    return digest_of(*(variables.get(name, "") for name in CREDENTIALS))


def region_of(folder: Path) -> str | None:
    """Return for which region a folder is; None if it is for none yet."""
    place = _read_place(folder)
    return place.region if place else None


def _read_place(folder: Path) -> Place | None:
    with suppress(OSError, ValidationError):
        return Place.model_validate_json((folder / PLACE_NAME).read_bytes())
    return None


def read_reached(path: Path) -> Reached | None:
    """Return what a file says of where a server was reached; None if nothing."""
    with suppress(OSError, ValidationError):
        return Reached.model_validate_json(path.read_bytes())
    return None
