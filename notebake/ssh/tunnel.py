"""An ssh tunnel: a loopback port of this machine that leads to a loopback port of the host."""

import logging
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from paramiko import Channel

from notebake.ssh.host import Host
from notebake.ssh.login import CONNECTION_ERRORS
from notebake.ssh.port_forwarding import port_channels

log = logging.getLogger(__name__)
CHUNK_BYTES = 32 * 1024
POLL_SECONDS = 0.2


@contextmanager
def open_tunnel(host: Host, remote_port: int) -> Iterator[int]:
    """Give the local port. If the host becomes unreachable, connections to it are closed.

    Raises:
        TunnelForbiddenError: the host forbids the tunnel, with or without a listener on its port.
        HostUnreachableError: the host is unreachable before the block, or after the block failed.
    """
    ended = threading.Event()

    class ClientHandler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                with closing(open_channel(self.client_address)) as channel:
                    relay(self.request, channel, ended)
            except CONNECTION_ERRORS as error:
                log.debug("A tunnel to %s broke: %r", host.address, error)

    with (
        port_channels(host, remote_port) as open_channel,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), ClientHandler) as listener,
    ):
        threading.Thread(target=listener.serve_forever, args=(POLL_SECONDS,)).start()
        try:
            yield listener.server_address[1]
        finally:
            ended.set()
            listener.shutdown()


def relay(client: socket.socket, channel: Channel, ended: threading.Event) -> None:
    """Pass on the bytes of each side until one side closes or `ended` is set."""
    opposite = {client: channel, channel: client}
    while not ended.is_set():
        for source in select.select([client, channel], [], [], POLL_SECONDS)[0]:
            if not (chunk := source.recv(CHUNK_BYTES)):
                return
            opposite[source].sendall(chunk)
