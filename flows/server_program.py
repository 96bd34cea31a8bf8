"""Prefect's server, as `prefect server start`, without what its command line imports.

Given a port, it serves on 127.0.0.1 until it is told to end.
"""

import sys

from flows.quick_imports import hasten_imports


def serve(port: int) -> None:
    """Serve Prefect's API and UI, with what Prefect's own settings say about the server."""
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server
    config = uvicorn.Config(
        create_app(),
        host="127.0.0.1",
        port=port,
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
    )
    # Before the application starts: where the port is taken, nothing touches the database.
    bound = config.bind_socket()
    server = uvicorn.Server(config)
    server.run(sockets=[bound])
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    hasten_imports()
    serve(int(sys.argv[1]))
