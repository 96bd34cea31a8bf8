"""Prefect's server, as `prefect server start`, without what its command line imports.

Given a port, it serves on 127.0.0.1 until it is told to end. Whoever starts it may listen on that
port already, and give the descriptor of that socket as a second word.
"""

import socket
import sys

from flows.local_prefect.quick_imports import speed_up_imports

WAITING_CONNECTIONS = 2048
"""As many as uvicorn lets wait (0.35, `backlog`)."""


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of the loopback address; 0 for any that is free.

    To bind it is not enough: with SO_REUSEADDR two sockets can have one port as long as neither
    listens, and then what is asked of one server is answered by the other.

    Raises:
        OSError: the port is taken.
    """
    return socket.create_server(("127.0.0.1", port), backlog=WAITING_CONNECTIONS)


def serve(listening: socket.socket) -> None:
    """Serve Prefect's API and UI, with what Prefect's own settings say about the server."""
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
    # Before the application starts: where the port is taken, nothing touches the database.
    serve(socket.socket(fileno=descriptor[0]) if descriptor else listen(port))
