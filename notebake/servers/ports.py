"""The port of this computer at which a server is reached, the same one from its first time on."""

import socket
from collections.abc import Iterator
from pathlib import Path

from notebake.errors import NotebakeError
from notebake.local.atomic_files import locked, write_file
from notebake.local.process import is_dead, this_process
from notebake.servers.folders import KeptServer, claim_folder, folder_of, servers_folder
from notebake.servers.next_command import command_on
from notebake.servers.place import PORT_NAME, holder_of

FIRST_PORT = 7005
LAST_PORT = 7099


class PortTakenError(NotebakeError):
    """Another program listens on the port of a server."""


def keep_port(server: KeptServer, wanted: int | None = None) -> int:
    """Return the server's port: the one wanted, the one kept, or the next that is free; keep it.

    Raises:
        PortTakenError: the one wanted is taken, and the one kept stays; or all are taken.
    """
    path = claim_folder(server) / PORT_NAME
    with locked(servers_folder()):
        if wanted and not is_free(wanted):
            raise port_taken_error(server, wanted)
        port = wanted or _read(path) or _next_free(path)
        write_file(path, f"{port}\n".encode())
    return port


def kept_port(server: KeptServer) -> int | None:
    """Return the port at which a server was opened on this computer; None if it never was."""
    return _read(folder_of(server) / PORT_NAME)


def port_taken_error(server: KeptServer, port: int) -> PortTakenError:
    """Return the error for a kept port on which something else listens; it may be an `open`."""
    holder = holder_of(server)
    if holder and not is_dead(holder) and holder != this_process() and kept_port(server) == port:
        return PortTakenError(
            f"Another `notebake open` of {server.name}, {holder.label}, holds port {port} of this"
            " computer.",
            "End that one with Ctrl-C first, or use its page.",
        ).with_next(command_on(server, "open", purpose="To see its page again"))
    return PortTakenError(
        f"Another program on this computer listens on port {port}, at which {server.name} is"
        " opened."
    ).with_next(
        command_on(
            server,
            "open",
            "--port",
            str(_first_bindable(port + 1)),
            purpose="To open it at another",
        )
    )


def _next_free(path: Path) -> int:
    """Return the first port that no server has and nobody listens on."""
    kept = set(_kept_ports(path))
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if port not in kept and is_free(port):
            return port
    raise PortTakenError(
        f"The ports {FIRST_PORT} to {LAST_PORT} of this computer are all taken.",
        "Name another: --port NUMBER",
    )


def _first_bindable(port: int) -> int:
    return next((other for other in range(port, port + 100) if is_free(other)), port)


def _kept_ports(own: Path) -> Iterator[int]:
    for path in servers_folder().glob(f"*/*/{PORT_NAME}"):
        if path != own and (port := _read(path)):
            yield port


def _read(path: Path) -> int | None:
    try:
        port = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return port if 0 < port < 2**16 else None


def is_free(port: int) -> bool:
    """Return whether a program can listen on a loopback port now."""
    with socket.socket() as probe:
        # As a listener of asyncio has it: ports of connections that have just ended are free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True
