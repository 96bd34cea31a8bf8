"""Commands on a server over a line of their own, bounded in time."""

import asyncio

from notebake import clock
from notebake.errors import HostUnreachableError, WrongHostKeyError
from notebake.servers.line_events import USUAL_TIMING
from notebake.ssh.host import Host
from notebake.ssh.line import open_line
from notebake.waiting import pause

PAUSE_SECONDS = 1.0


def run_on(host: Host, command: str, *, timeout_seconds: float, up_within: float = 0) -> str:
    """Return the output of a command on a server that shows the expected host key.

    Args:
        host: Where it is.
        command: Text for its login shell.
        timeout_seconds: How long the command may take.
        up_within: For how many seconds a server that does not answer, or does not know the key yet,
            is asked again.

    Raises:
        WrongHostKeyError: whoever answers shows another key.
        HostUnreachableError, LoginRefusedError: it does not answer, or refuses the key.
        HostCommandError: the command failed.
    """
    deadline = clock.elapsed() + up_within
    while True:
        try:
            return asyncio.run(_run(host, command, timeout_seconds))
        except WrongHostKeyError:
            raise
        except HostUnreachableError:
            if clock.elapsed() > deadline:
                raise
        pause(PAUSE_SECONDS)


async def _run(host: Host, command: str, timeout_seconds: float) -> str:
    line = await open_line(host, USUAL_TIMING.keepalive)
    try:
        return await line.run(command, timeout_seconds)
    finally:
        line.drop(was_silent=False)
