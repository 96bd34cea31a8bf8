"""A tunnel: a port of this machine's loopback that leads to one of the host's."""

import logging
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from paramiko import Channel

from notebake.ssh.connection import channels
from notebake.ssh.host import Host
from notebake.ssh.login import LOST

log = logging.getLogger(__name__)
CHUNK_BYTES = 32 * 1024
LOOK_UP_SECONDS = 0.2


@contextmanager
def open_tunnel(host: Host, remote_port: int) -> Iterator[int]:
    """Give the local port. Where the host is out of reach, whoever connects to it is turned away.

    Raises:
        TunnelForbiddenError: the host leads nobody there, whether or not somebody listens.
        HostUnreachableError: there is no way to the host, before the block or after it failed.
    """
    ended = threading.Event()

    class Caller(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                with closing(open_channel(self.client_address)) as channel:
                    join(self.request, channel, ended)
            except LOST as error:
                log.debug("A tunnel to %s broke: %r", host.address, error)

    with (
        channels(host, remote_port) as open_channel,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Caller) as listener,
    ):
        threading.Thread(target=listener.serve_forever, args=(LOOK_UP_SECONDS,)).start()
        try:
            yield listener.server_address[1]
        finally:
            ended.set()
            listener.shutdown()


def join(caller: socket.socket, channel: Channel, ended: threading.Event) -> None:
    """Pass on what comes from either side, until one side closes."""
    other = {caller: channel, channel: caller}
    while not ended.is_set():
        for one in select.select([caller, channel], [], [], LOOK_UP_SECONDS)[0]:
            if not (read := one.recv(CHUNK_BYTES)):
                return
            other[one].sendall(read)
