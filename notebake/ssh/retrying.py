"""Retries operations on a host that is unreachable for a while."""

import logging
from collections.abc import Callable
from typing import TypeVar

from notebake import clock
from notebake.errors import HostUnreachableError, LoginRefusedError
from notebake.ssh.host import Host
from notebake.ssh.host_errors import describe_host
from notebake.timeouts import HOST_UNREACHABLE_SECONDS
from notebake.waiting import check_not_interrupted

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
