"""What is lost with a server or a volume, in the terminal: said before it is asked."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from notebake.costs.estimate import format_monthly
from notebake.humanize import clean_text, pluralize
from notebake.servers.next_command import command_on

if TYPE_CHECKING:
    from notebake.servers.host_losses import HostLosses, WorkTree
    from notebake.servers.kept_volume import KeptVolume
    from notebake.servers.losses import Disk, Losses
    from notebake.servers.server import Server

MOST_TREES = 20
"""How many work trees are listed."""


def describe_losses(server: "Server", losses: "Losses") -> Iterator[str]:
    """Give the lines that say what is lost if the server is terminated."""
    yield f"{server.name} of {server.owner}: {server.id}, {server.instance_type}, {server.state}."
    if losses.gone:
        yield "Lost for good, with all that is on them:"
        yield from (f"  {_disk(disk)}" for disk in losses.gone)
    if losses.host:
        yield from (f"  temporary disk {disk}" for disk in losses.host.instance_store)
    elif server.state == "running":
        yield "  and what is on temporary disks, if its type has any"
    if server.has_elastic_address:
        yield f"Its elastic address {server.address} is given back."
    for disk in losses.kept:
        price = format_monthly(disk.usd_per_month)
        yield f"Kept, and still to be paid: {_disk(disk)}, {price} a month."
    if losses.host:
        staying = [mount for disk in losses.kept for mount in disk.mounts]
        yield from _unpushed(losses.host, staying)
    else:
        yield f"Whether its work is pushed was not asked: {losses.not_asked}."
        if server.state == "stopped":
            yield f"To look first: {command_on(server, 'open').command_line()}"


def describe_volume(volume: "KeptVolume", holder: "Server | None") -> Iterator[str]:
    """Give the lines that say what is lost with a volume; `holder` has it, and is stopped."""
    price = format_monthly(volume.usd_per_month)
    yield f"{volume.name} of {volume.owner}: {volume.id}, {volume.size_gib} GiB in {volume.zone}."
    yield f"It costs {price} a month. What is on it is lost for good."
    if holder:
        yield f"The server {holder.name} ({holder.id}), which is stopped, loses it."


def _disk(disk: "Disk") -> str:
    mounts = f", on {', '.join(disk.mounts)}" if disk.mounts else ""
    return f"{disk.name} ({disk.id}), {disk.size_gib} GiB{mounts}"


def _unpushed(host: "HostLosses", staying: Sequence[str]) -> Iterator[str]:
    """Say which work no remote has, as far as git tells; `staying` are mounts that are kept."""
    open_trees = [tree for tree in host.trees if not tree.is_pushed]
    if open_trees:
        yield "Not pushed, as git says:"
        yield from (f"  {_tree(tree, staying)}" for tree in open_trees[:MOST_TREES])
        if len(open_trees) > MOST_TREES:
            yield f"  and {len(open_trees) - MOST_TREES} more"
    elif host.trees and host.is_complete:
        yield f"{pluralize(len(host.trees), 'git work tree')}: all is pushed."
    elif host.is_complete:
        yield "There is no git work tree, so nobody knows what else has a copy."
    if not host.is_complete:
        yield "Not all its work trees could be looked at in time."


def _tree(tree: "WorkTree", staying: Sequence[str]) -> str:
    path = clean_text(tree.path)
    if any(tree.path == mount or tree.path.startswith(f"{mount}/") for mount in staying):
        path += " (on a disk that is kept)"
    if not tree.is_read:
        return f"{path}: git could not read it, so nothing is known of it"
    counted: Sequence[tuple[int, str]] = (
        (tree.changed, "changed file"),
        (tree.untracked, "untracked file"),
        (tree.commits, "commit"),
    )
    words = [pluralize(count, noun) for count, noun in counted if count]
    if tree.stashes:
        words.append("1 stash" if tree.stashes == 1 else f"{tree.stashes} stashes")
    return f"{path}: {', '.join(words)}"
