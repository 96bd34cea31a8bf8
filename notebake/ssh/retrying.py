"""Outages: a host out of reach for a while is asked again, as long as it may come back."""

import logging
from collections.abc import Callable
from typing import TypeVar

from notebake import clock
from notebake.errors import HostUnreachableError, LoginRefusedError
from notebake.ssh.host import Host
from notebake.timeouts import HOST_UNREACHABLE_SECONDS
from notebake.waiting import check_not_interrupted

log = logging.getLogger(__name__)
T = TypeVar("T")


def retry_until_reachable(host: Host, name: str, ask: Callable[[], T]) -> T:
    """Return what a question to the host gives; it is asked again after an outage.

    The host may have heard it before: it must do no harm twice. `name` says what goes on there.

    Raises:
        HostUnreachableError: the host stayed out of reach for HOST_UNREACHABLE_SECONDS.
    """
    began, was_lost = clock.elapsed(), False
    while True:
        check_not_interrupted()
        try:
            answer = ask()
        except LoginRefusedError:
            raise
        except HostUnreachableError as error:
            seconds = clock.elapsed() - began
            if seconds > HOST_UNREACHABLE_SECONDS:
                raise HostUnreachableError(
                    f"{host.address} ({host.instance_id}) has been out of reach for {seconds:.0f} s"
                    f" in the middle of {name}. {error.message}",
                    error.hint,
                ) from error
            if not was_lost:
                log.warning("Lost %s: %s goes on there; calling again", host.address, name)
            was_lost = True
            clock.pause(1)
            continue
        if was_lost:
            log.info("%s answers again after %.0f s", host.address, clock.elapsed() - began)
        return answer
