"""Wait for a condition, with a timeout and with log lines that say for what."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from notebake import clock
from notebake.errors import CloudError, WaitTimeoutError

log = logging.getLogger(__name__)
T = TypeVar("T")
FIRST_PAUSE_SECONDS = 0.05
MAX_PAUSE_SECONDS = 2.5
SHARE_OF_WAIT = 1 / 240
"""A pause may last this share of the time waited so far: a wait of hours polls every 2.5 s."""
_interrupted = threading.Event()
_waited: ContextVar[float] = ContextVar("waited", default=0.0)


def wait_until(
    probe: Callable[[], T | None],
    *,
    what: str,
    timeout_seconds: float,
    interval_seconds: float = 1.0,
    progress: Callable[[], str] | None = None,
) -> T:
    """Return the first result of `probe` that is not None.

    `what` completes "Waiting for …"; `progress` returns what to show with it, such as "45 %".
    The pauses start short and grow to `interval_seconds`, and beyond it in a wait of many minutes.
    Transient errors of AWS are retried until the timeout.

    Raises:
        WaitTimeoutError: no result within `timeout_seconds`.
        CloudError: AWS refused, or its transient error lasted until the timeout.
    """
    began, waited_so_far, shown = clock.elapsed(), 0.0, ""
    pause_seconds = min(FIRST_PAUSE_SECONDS, interval_seconds)
    while True:
        check_not_interrupted()
        try:
            result = _call(probe, waited_so_far)
            if result is not None:
                return result
            aws_error = None
            line = f"Waiting for {what}" + (f": {progress()}" if progress else "")
        except CloudError as error:
            if not error.is_transient:
                raise
            aws_error, line = error, f"Waiting for {what}; AWS answers {error.code}"
        if line != shown:
            log.info(line, extra={"event": "waiting"})
            shown = line
        if clock.elapsed() > began + timeout_seconds:
            raise aws_error or WaitTimeoutError(
                f"Timed out after {timeout_seconds:.0f} s waiting for {what}."
            )
        clock.pause(pause_seconds, _interrupted)
        waited_so_far = clock.elapsed() - began
        long_pause_seconds = min(SHARE_OF_WAIT * waited_so_far, MAX_PAUSE_SECONDS)
        pause_seconds = min(1.5 * pause_seconds, max(interval_seconds, long_pause_seconds))


def wait_while(
    obstacle: Callable[[], str | None],
    *,
    what: str,
    timeout_seconds: float,
    interval_seconds: float = 1.0,
) -> str | None:
    """Wait until `obstacle` returns None, and show its text meanwhile.

    Return None, or after `timeout_seconds` the last text.
    """
    shown = ""

    def is_clear() -> bool | None:
        nonlocal shown
        if (found := obstacle()) is None:
            return True
        shown = found
        return None

    try:
        wait_until(
            is_clear,
            what=what,
            timeout_seconds=timeout_seconds,
            interval_seconds=interval_seconds,
            progress=lambda: shown,
        )
    except WaitTimeoutError:
        return shown
    return None


def waited_seconds() -> float:
    """Return how long the wait whose probe calls this has lasted; 0 outside a wait."""
    return _waited.get()


def _call(probe: Callable[[], T | None], waited_so_far: float) -> T | None:
    """Return the probe's result, with `waited_seconds` set."""
    token = _waited.set(waited_so_far)
    try:
        return probe()
    finally:
        _waited.reset(token)


def pause(seconds: float) -> None:
    """Wait for the seconds to pass; InterruptedError if this process was interrupted."""
    clock.pause(seconds, _interrupted)
    check_not_interrupted()


def interrupt_waits() -> None:
    """Make every wait of this process raise InterruptedError."""
    _interrupted.set()


def allow_waits() -> None:
    """Allow waits again after `interrupt_waits`."""
    _interrupted.clear()


def is_interrupted() -> bool:
    """Return whether this process was interrupted."""
    return _interrupted.is_set()


def check_not_interrupted() -> None:
    """Raise InterruptedError if this process was interrupted."""
    if is_interrupted():
        raise InterruptedError("interrupted while waiting")


@contextmanager
def interrupting_waits() -> Iterator[None]:
    """Interrupt the waits of other threads if the block is interrupted, as by Ctrl-C.

    Those threads would keep the process alive. If the block fails with an Exception, they go on.
    """
    try:
        yield
    except Exception:
        raise
    except BaseException:
        interrupt_waits()
        raise
