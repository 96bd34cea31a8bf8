"""ssh tunnels from a loopback port of this machine to a loopback port of a host."""

import logging
import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from paramiko import Channel
from paramiko.ssh_exception import ChannelException

from notebake.ssh.connection import pool_of
from notebake.ssh.host import Host
from notebake.ssh.host_errors import connection_lost_error, tunnel_forbidden_error
from notebake.ssh.login import CONNECTION_ERRORS
from notebake.ssh.pooled_connection import OPEN_SECONDS, PooledConnection

PROHIBITED = 1
"""The code of "administratively prohibited" (RFC 4254, 5.1); a port without a listener gives 2."""


def check_tunnel(host: Host, port: int) -> None:
    """Check that the host allows tunnels to its loopback port, with or without a listener there.

    Raises:
        TunnelForbiddenError: it does not; the hint says what to change.
        HostUnreachableError: the host is unreachable.
    """
    _forwarding_connection(host, port)


@contextmanager
def port_channels(host: Host, port: int) -> Iterator[Callable[[tuple[str, int]], Channel]]:
    """Give a function that opens channels to a loopback port of the host.

    Raises:
        TunnelForbiddenError: the host forbids tunnels to the port.
        HostUnreachableError: the host is unreachable before the block, or after the block failed.
    """
    pooled = _forwarding_connection(host, port)
    try:
        yield lambda client: _open(pooled, port, client)
    except Exception as failure:
        try:
            _check_forwarding(pooled, host, port)
        except CONNECTION_ERRORS as error:
            pool_of(host).drop(pooled)
            raise connection_lost_error(host, error) from failure
        raise


def _forwarding_connection(host: Host, port: int) -> PooledConnection:
    """Return a connection that is alive and allows tunnels to the port."""
    pool = pool_of(host)
    while True:
        pooled, is_new = pool.any_connection()
        try:
            _check_forwarding(pooled, host, port)
        except CONNECTION_ERRORS as error:
            pool.drop(pooled)
            if is_new:
                raise connection_lost_error(host, error) from error
        else:
            return pooled


def _check_forwarding(pooled: PooledConnection, host: Host, port: int) -> None:
    """Raise TunnelForbiddenError if the host forbids the tunnel, or the connection's own error."""
    try:
        _open(pooled, port, ("localhost", 0)).close()
    except ChannelException as error:
        if error.code == PROHIBITED:
            raise tunnel_forbidden_error(host, port) from error


def _open(pooled: PooledConnection, port: int, client: tuple[str, int]) -> Channel:
    return pooled.connection.transport.open_channel(
        "direct-tcpip", ("localhost", port), client, timeout=OPEN_SECONDS
    )


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
