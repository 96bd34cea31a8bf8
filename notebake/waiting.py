"""Waiting: for one thing, with an end, and never in silence."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from notebake.errors import WaitTimeoutError

log = logging.getLogger(__name__)
T = TypeVar("T")


def wait_until(
    probe: Callable[[], T | None],
    *,
    what: str,
    timeout_seconds: float,
    interval_seconds: float = 1.0,
    progress: Callable[[], str] | None = None,
) -> T:
    """Return the first answer of `probe` that is not None.

    `what` completes "Waiting for …"; `progress` gives what to show beside it, such as "45 %".

    Raises:
        WaitTimeoutError: no answer within `timeout_seconds`.
    """
    deadline = time.monotonic() + timeout_seconds
    shown = ""
    while True:
        answer = probe()
        if answer is not None:
            return answer
        line = f"Waiting for {what}" + (f": {progress()}" if progress else "")
        if line != shown:
            log.info(line, extra={"event": "waiting"})
            shown = line
        if time.monotonic() > deadline:
            raise WaitTimeoutError(f"Waited {timeout_seconds:.0f} s in vain for {what}.")
        time.sleep(interval_seconds)
