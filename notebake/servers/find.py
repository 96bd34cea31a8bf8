"""Finds servers by their tags, in one region or in several at the same time."""

import difflib
from collections.abc import Iterable, Sequence

from notebake.aws import server_calls
from notebake.errors import NextCommand, NotebakeError
from notebake.local.usual_region import region_words
from notebake.servers.next_command import NamedServer
from notebake.servers.server import Server, as_server


def list_command(region: str) -> NextCommand:
    """Return the command that lists all servers of a region, and the volumes that outlive them."""
    return NextCommand(("servers", *region_words(region)), "All servers")


class NoSuchServerError(NotebakeError):
    """No server has this name."""


class SeveralServersError(NotebakeError):
    """There are several servers of this name, so it is not clear which one is meant."""


def list_servers(region: str) -> list[Server]:
    """Return all servers of a region that are not gone, by owner and name.

    Raises:
        CloudError: EC2 refused, or gave no answer.
    """
    servers = [as_server(found, region) for found in server_calls.describe_servers(region)]
    return sorted(
        (server for server in servers if not server.is_gone),
        key=lambda server: (server.owner, server.name, server.id),
    )


def describe_server(instance_id: str, region: str) -> Server | None:
    """Return the server with this instance id, in any state; None if EC2 does not show it (yet)."""
    found = server_calls.describe_machine(instance_id, region)
    return as_server(found, region) if found else None


def named(servers: Iterable[Server], name: str, owner: str, region: str) -> Server:
    """Return the server with this name: that of the owner, or the only one.

    Raises:
        NoSuchServerError: there is none.
        SeveralServersError: several people have one and the owner has none, or the owner has
            several.
    """
    everyone = list(servers)
    found = [server for server in everyone if name in (server.name, server.id)]
    own = [server for server in found if server.owner == owner] or found
    if len(own) == 1:
        return own[0]
    if own:
        raise several_error(own, name, region)
    raise NoSuchServerError(
        f"There is no server {name} in {region}.{_meant(name, everyone)}"
    ).with_next(list_command(region))


def several_error(servers: Sequence[Server], name: str, region: str) -> SeveralServersError:
    """Return the error for several servers of one name; each is known by its id."""
    owners = {server.owner for server in servers}
    if len(owners) > 1:
        each = ", ".join(f"{server.id} of {server.owner}" for server in servers)
        return SeveralServersError(
            f"Several servers in {region} are called {name}: {each}.",
            f"Add: --owner NAME, or name one by its instance id instead of {name}.",
        ).with_next(list_command(region))
    each = ", ".join(f"{server.id}, {server.state} in {server.zone}" for server in servers)
    return SeveralServersError(
        f"{servers[0].owner} has several servers {name} in {region}: {each}. Such is left by a"
        " start that was killed while another one went on.",
        f"Name one by its instance id instead of {name}; open them to see which one to keep.",
    ).with_next(
        *(NextCommand(("open", server.id, *region_words(region)), "To look") for server in servers),
        NextCommand(("terminate", "ID", *region_words(region)), "To remove one"),
        list_command(region),
    )


def servers_of(wanted: NamedServer) -> list[Server]:
    """Return the machines of this owner and name that are not gone: usually one, or none."""
    return [
        server
        for server in list_servers(wanted.region)
        if (server.owner, server.name) == (wanted.owner, wanted.name)
    ]


def find_server(name: str, owner: str, region: str) -> Server:
    """Return the server of this name or instance id in a region; raises as `named` does."""
    return named(list_servers(region), name, owner, region)


def find_own_server(name: str, owner: str, region: str) -> Server:
    """Return the owner's server of this name, or the one of this instance id.

    Where the owner was named, and before a server is removed, nobody else's will do: a removal
    that is tried again would otherwise take the next one of that name.

    Raises:
        NoSuchServerError: there is none; the message says who else has one of this name.
        SeveralServersError: the owner has several.
    """
    servers = list_servers(region)
    found = [
        each for each in servers if each.id == name or (each.name, each.owner) == (name, owner)
    ]
    others = sorted({each.owner for each in servers if each.name == name} - {owner})
    if others and not found:
        raise NoSuchServerError(
            f"{owner} has no server {name} in {region}, but {', '.join(others)} has.",
            "If that one is meant: --owner NAME",
        ).with_next(list_command(region))
    return named(found or servers, name, owner, region)


def _meant(name: str, servers: Sequence[Server]) -> str:
    close = difflib.get_close_matches(name, [server.name for server in servers], n=1)
    return f" Did you mean {close[0]}?" if close else ""
