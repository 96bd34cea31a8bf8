"""The near end of a tunnel: a port of this computer that stays, whatever happens to the line."""

import asyncio

from notebake.errors import HostUnreachableError, NotebakeError, PortClosedError
from notebake.servers.line_keeper import LineKeeper
from notebake.ssh.relay import ClientSide

LOOPBACK = "127.0.0.1"
RETRY_SECONDS = 0.1


class Tunnel:
    """Listens on the loopback address; each connection waits for a line if there is none.

    A browser that reconnects by itself tries a few times only (JupyterLab: seven times in about a
    minute) and then asks the person. A connection that is held costs it none of these tries.
    """

    def __init__(self, keeper: LineKeeper, port_on_host: int) -> None:
        self.port_on_host = port_on_host
        self._keeper = keeper
        self._joining: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self, port: int) -> None:
        """Begin to listen; OSError if the port is taken."""
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: ClientSide(self._accept), LOOPBACK, port
        )

    def close(self) -> None:
        if self._listener:
            self._listener.close()
        for task in self._joining:
            task.cancel()

    def _accept(self, client: ClientSide) -> None:
        task = asyncio.create_task(self._join(client))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, client: ClientSide) -> None:
        """Connect a program to JupyterLab as soon as that is possible; else close it in the end."""
        now = asyncio.get_running_loop().time
        deadline = now() + self._keeper.timing.hold_seconds
        closed_until = now() + self._keeper.timing.closed_port_seconds
        while not client.is_closed:
            line = await self._keeper.wait_for_line(deadline)
            if line is None:
                break
            try:
                await line.join(client, self.port_on_host)
            except PortClosedError:
                if now() > closed_until:
                    break
            except HostUnreachableError:
                if now() > deadline:
                    break
            except NotebakeError:
                break
            else:
                return
            await asyncio.sleep(RETRY_SECONDS)
        client.close()
