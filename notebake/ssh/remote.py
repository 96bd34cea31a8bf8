"""Commands on a host over ssh, and retries while it is unreachable. Nothing is decided here.

The commands come from `notebake.commands`; what their results mean is decided by the callers.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from notebake import clock
from notebake.errors import HostCommandError, HostUnreachableError, LoginRefusedError
from notebake.ssh import connection
from notebake.ssh.host import Host
from notebake.ssh.host_errors import describe_host
from notebake.timeouts import HOST_UNREACHABLE_SECONDS
from notebake.waiting import check_not_interrupted

log = logging.getLogger(__name__)
REACH_SECONDS = 30
"""How long a reachable host may take for the first command: startup files of its login shell may be
slow, and a broken connection is detected sooner."""
MAX_LOGGED = 2000
"""How many characters of a command are logged."""


@dataclass(frozen=True)
class Answer:
    """The result of a command on a host."""

    exit_code: int
    output: str
    errors: str


def try_command(host: Host, command: str, *, timeout_seconds: float = 60) -> Answer:
    """Run a command as the login user and return its result, whatever its exit code.

    Raises:
        HostUnreachableError: the host is unreachable, the connection broke, or no result came in
            time.
        LoginShellError: the user's login shell did not run it.
    """
    is_long = len(command) > MAX_LOGGED
    shown = f"{command[:MAX_LOGGED]} … ({len(command)} in all)" if is_long else command
    log.debug("On %s: %s", host.address, shown)
    return Answer(*connection.run(host, command, timeout_seconds))


def run_command(host: Host, command: str, *, timeout_seconds: float = 60) -> str:
    """Run a command as the login user and return its output.

    Raises:
        HostCommandError: it ended with a non-zero exit code.
        HostUnreachableError, LoginShellError: as for `try_command`.
    """
    answer = try_command(host, command, timeout_seconds=timeout_seconds)
    if answer.exit_code != 0:
        raise HostCommandError(
            host.address, command, answer.exit_code, answer.errors or answer.output
        )
    return answer.output


def succeeds(host: Host, command: str) -> bool:
    """Return whether a command ends with exit code 0."""
    return try_command(host, command).exit_code == 0


def check_reachable(host: Host) -> None:
    """Check that the host accepts a login and runs commands.

    Raises:
        LoginRefusedError: it answers but refuses the key.
        HostUnreachableError: it does not answer.
        LoginShellError: it accepts the login, but the login shell runs no command.
    """
    run_command(host, "true", timeout_seconds=REACH_SECONDS)


def is_reachable(host: Host) -> bool:
    """Return whether the host accepts a login now.

    Raises:
        LoginRefusedError, LoginShellError: as for `check_reachable`.
    """
    try:
        check_reachable(host)
    except LoginRefusedError:
        raise
    except HostUnreachableError as error:
        log.debug("%s", error)
        return False
    return True


log = logging.getLogger(__name__)
T = TypeVar("T")


def retry_until_reachable(host: Host, name: str, operation: Callable[[], T]) -> T:
    """Return the result of an operation on the host; retry it while the host is unreachable.

    The host may run it more than once, so it must be idempotent. `name` says what runs there.

    Raises:
        HostUnreachableError: the host stayed unreachable for HOST_UNREACHABLE_SECONDS.
    """
    began, was_lost = clock.elapsed(), False
    while True:
        check_not_interrupted()
        try:
            result = operation()
        except LoginRefusedError:
            raise
        except HostUnreachableError as error:
            seconds = clock.elapsed() - began
            if seconds > HOST_UNREACHABLE_SECONDS:
                raise HostUnreachableError(
                    f"{describe_host(host)} has been unreachable for {seconds:.0f} s during"
                    f" {name}. {error.message}",
                    error.hint,
                ) from error
            if not was_lost:
                log.warning("Lost %s: %s continues there; reconnecting", host.address, name)
            was_lost = True
            clock.pause(1)
            continue
        if was_lost:
            log.info("%s answers again after %.0f s", host.address, clock.elapsed() - began)
        return result
