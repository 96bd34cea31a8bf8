"""Prefect's server, like `prefect server start`, but without the imports of its command line.

Arguments: a port of 127.0.0.1, and optionally the descriptor of a socket that listens on it.
It serves until it gets a signal.
"""

import socket
import sys

from flows.local_prefect.prefect_environment import speed_up_imports

BACKLOG = 2048
"""The default `backlog` of uvicorn (0.35)."""


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of the loopback address; 0 means any free port.

    A bound socket alone is not sufficient: with SO_REUSEADDR two sockets can share a port until one
    of them listens, and then one server receives the other's requests.

    Raises:
        OSError: the port is taken.
    """
    return socket.create_server(("127.0.0.1", port), backlog=BACKLOG)


def serve(listening: socket.socket) -> None:
    """Serve Prefect's API and UI with Prefect's own server settings."""
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server
    config = uvicorn.Config(
        create_app(),
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    speed_up_imports()
    port, *descriptor = map(int, sys.argv[1:])
    # Listen before the application starts, so that a taken port leaves the database untouched.
    serve(socket.socket(fileno=descriptor[0]) if descriptor else listen(port))
