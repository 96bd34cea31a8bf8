"""Commands on a server over a line of their own, bounded in time."""

import asyncio

from notebake import clock
from notebake.errors import HostUnreachableError
from notebake.servers.line_events import USUAL_TIMING, Timing
from notebake.ssh.host import Host
from notebake.ssh.line import Line, open_line

PAUSE_SECONDS = 0.5


def run_on(
    host: Host, command: str, *, timeout_seconds: float = 30, booting: Timing | None = None
) -> str:
    """Return the output of a command on a server that shows the expected host key.

    Args:
        host: Where it is.
        command: Text for its login shell.
        timeout_seconds: How long the command may take.
        booting: For how long a server is dialled that may still boot; None: it has to answer now.

    Raises:
        WrongHostKeyError: whoever answers shows another key.
        HostUnreachableError, LoginRefusedError: it does not answer, or refuses the key.
        HostCommandError: the command failed.
    """
    return asyncio.run(_run(host, command, timeout_seconds, booting))


async def _run(host: Host, command: str, timeout_seconds: float, booting: Timing | None) -> str:
    line = await (_dial(host, booting) if booting else open_line(host, USUAL_TIMING.keepalive))
    try:
        return await line.run(command, timeout_seconds)
    finally:
        line.drop(was_silent=False)


async def _dial(host: Host, timing: Timing) -> Line:
    """Return a line to a machine that may still boot."""
    began = clock.elapsed()
    while True:
        try:
            return await open_line(host, timing.keepalive)
        except HostUnreachableError as error:
            if clock.elapsed() - began >= timing.seconds_to_bear(error):
                raise
        await asyncio.sleep(PAUSE_SECONDS)
