"""Asks a server over ssh what a termination would lose: its mounts, and unpushed work."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from notebake.commands.unsaved_work import END, LIST_DISKS, list_unsaved_work
from notebake.errors import NotebakeError
from notebake.record import Record
from notebake.servers.host_work import run_on
from notebake.servers.server import Server
from notebake.servers.server_disks import disks_of
from notebake.ssh.host import Host

LOOK_SECONDS = 30
"""How long git's work trees may be looked for."""
ANSWER_SECONDS = LOOK_SECONDS + 10
INSTANCE_STORE = "Amazon EC2 NVMe Instance Storage"


class WorkTree(Record):
    """A git work tree with what no remote has."""

    path: str
    changed: int = 0
    untracked: int = 0
    commits: int = 0
    stashes: int = 0
    is_read: bool = True
    """False: git could not read it, so nothing is known of it."""

    @property
    def is_pushed(self) -> bool:
        return self.is_read and not any((self.changed, self.untracked, self.commits, self.stashes))


class HostLosses(Record):
    """What a host says of itself."""

    mounts: dict[str, tuple[str, ...]]
    """Volume id without its hyphen → where it is mounted."""
    instance_store: tuple[str, ...] = ()
    """The temporary disks, as `NAME, SIZE` and where they are mounted."""
    trees: tuple[WorkTree, ...] = ()
    is_complete: bool = False
    """Whether all work trees were looked at in time."""


def ask_host(server: Server, host: Host) -> HostLosses:
    """Return what a server says; takes at most a minute and a half.

    Raises:
        NotebakeError: it cannot be reached, or did not answer in time.
    """
    folders = [disk.mount for disk in disks_of(server)]
    work = list_unsaved_work(seconds=LOOK_SECONDS, folders=folders)
    said = run_on(
        host, f"{LIST_DISKS} || echo '{{}}'; echo; {work}", timeout_seconds=ANSWER_SECONDS
    )
    return parse_losses(said)


def parse_losses(said: str) -> HostLosses:
    """Return what a host's answer means.

    Raises:
        NotebakeError: it is no such answer.
    """
    try:
        listed, length = json.JSONDecoder().raw_decode(said.lstrip())
    except ValueError as error:
        raise NotebakeError(f"The server's list of its disks cannot be read: {error}.") from error
    lines = said.lstrip()[length:].split("\n")
    disks = listed.get("blockdevices", [])
    return HostLosses(
        mounts={
            str(disk["serial"]).replace("-", ""): tuple(_mounts_of(disk))
            for disk in disks
            if disk.get("serial")
        },
        instance_store=tuple(
            _described(disk) for disk in disks if INSTANCE_STORE in (disk.get("model") or "")
        ),
        trees=tuple(_trees_in(lines)),
        is_complete=END in lines,
    )


def _trees_in(lines: list[str]) -> Iterator[WorkTree]:
    for line in lines:
        kind, _, rest = line.partition("\t")
        words = rest.split("\t")
        if kind == "unread":
            yield WorkTree(path=_path_of(words[0]), is_read=False)
        elif kind == "git" and len(words) == 5:
            names = ("changed", "untracked", "commits", "stashes")
            counts = dict(zip(names, map(int, words[1:]), strict=True))
            yield WorkTree(path=_path_of(words[0]), **counts)


def _path_of(encoded: str) -> str:
    return base64.b64decode(encoded).decode(errors="replace")


def _mounts_of(disk: dict[str, Any]) -> Iterator[str]:
    if disk.get("mountpoint"):
        yield str(disk["mountpoint"])
    for child in disk.get("children", []):
        yield from _mounts_of(child)


def _described(disk: dict[str, Any]) -> str:
    mounts = ", ".join(_mounts_of(disk)) or "not mounted"
    return f"{disk['name']}, {disk['size']}, {mounts}"
