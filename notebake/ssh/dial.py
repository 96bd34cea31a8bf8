"""Opens a TCP connection to a host again and again, until packets get through."""

import asyncio
import socket
import sys
from contextlib import suppress

CONNECT_SECONDS = 15
"""How long packets to an address may be lost; after that the attempt ends."""
RETRY_SECONDS = 1.0
"""After how long another connection is begun beside those that have no answer yet: the system
repeats the first packet of a connection after 1, 3 and 7 s, too late for a network that is back."""
UNACKNOWLEDGED_SECONDS = 15
"""How long sent data may stay unacknowledged; then the system closes the connection."""
RXT_CONNDROPTIME = 0x80
"""macOS's TCP_USER_TIMEOUT, in seconds (netinet/tcp.h); Python has no name for it."""


async def connect_socket(address: str, port: int) -> socket.socket:
    """Return the first connection that is accepted; others are begun meanwhile, each second.

    Raises:
        OSError: it is refused, there is no route, or nothing answers within CONNECT_SECONDS.
    """
    waiting: set[asyncio.Task[socket.socket]] = set()
    try:
        for _ in range(int(CONNECT_SECONDS / RETRY_SECONDS)):
            waiting.add(asyncio.create_task(_connect(address, port)))
            done, waiting = await asyncio.wait(
                waiting, timeout=RETRY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if done:
                return _first_of(done)
        raise TimeoutError(f"no answer within {CONNECT_SECONDS} s")
    finally:
        for task in waiting:
            task.cancel()
            task.add_done_callback(_close)


def _first_of(done: set[asyncio.Task[socket.socket]]) -> socket.socket:
    """Return one of the connections and close the others; raise the error if all have failed."""
    made = [task.result() for task in done if task.exception() is None]
    for surplus in made[1:]:
        surplus.close()
    return made[0] if made else next(iter(done)).result()


def _close(task: "asyncio.Task[socket.socket]") -> None:
    """Close a connection that was accepted while another one was taken."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _connect(address: str, port: int) -> socket.socket:
    """Return one connection, whose end the system notices."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            if sys.platform == "linux":
                milliseconds = 1000 * UNACKNOWLEDGED_SECONDS
                connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
            elif sys.platform == "darwin":
                connecting.setsockopt(socket.IPPROTO_TCP, RXT_CONNDROPTIME, UNACKNOWLEDGED_SECONDS)
        await asyncio.get_running_loop().sock_connect(connecting, (address, port))
    except BaseException:
        connecting.close()
        raise
    return connecting
