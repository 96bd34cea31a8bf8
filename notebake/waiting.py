"""Waiting: for one thing, with an end, and never in silence."""

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
LONGEST_PAUSE_SECONDS = 2.5
SHARE_OF_WAIT = 1 / 240
"""A pause may be this share of what has been waited: what takes hours is not asked for each second,
and is still noticed within three."""
_stopped = threading.Event()
_waited: ContextVar[float] = ContextVar("waited", default=0.0)


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
    What is quick is noticed at once: the pauses begin short and grow to `interval_seconds`; in a
    wait of many minutes they grow on.
    An AWS that is throttled or out of reach for a while is asked again, as long as there is time.

    Raises:
        WaitTimeoutError: no answer within `timeout_seconds`.
        CloudError: what AWS went on answering instead.
    """
    began, waited_so_far, shown = clock.elapsed(), 0.0, ""
    pause_seconds = min(FIRST_PAUSE_SECONDS, interval_seconds)
    while True:
        check_not_stopped()
        try:
            answer = _ask(probe, waited_so_far)
            if answer is not None:
                return answer
            trouble = None
            line = f"Waiting for {what}" + (f": {progress()}" if progress else "")
        except CloudError as error:
            if not error.is_passing:
                raise
            trouble, line = error, f"Waiting for {what}; AWS answers {error.code}"
        if line != shown:
            log.info(line, extra={"event": "waiting"})
            shown = line
        if clock.elapsed() > began + timeout_seconds:
            raise trouble or WaitTimeoutError(f"Waited {timeout_seconds:.0f} s in vain for {what}.")
        clock.pause(pause_seconds, _stopped)
        waited_so_far = clock.elapsed() - began
        patient_seconds = min(SHARE_OF_WAIT * waited_so_far, LONGEST_PAUSE_SECONDS)
        pause_seconds = min(1.5 * pause_seconds, max(interval_seconds, patient_seconds))


def waited_seconds() -> float:
    """Return how long the wait has lasted whose probe asks this; 0 at first, and outside a wait."""
    return _waited.get()


def _ask(probe: Callable[[], T | None], waited_so_far: float) -> T | None:
    """Return a probe's answer; it may know how long has been waited."""
    token = _waited.set(waited_so_far)
    try:
        return probe()
    finally:
        _waited.reset(token)


def pause(seconds: float) -> None:
    """Let time pass.

    Raises:
        InterruptedError: somebody has interrupted this process.
    """
    clock.pause(seconds, _stopped)
    check_not_stopped()


def stop_waiting() -> None:
    """Let whatever waits in this process give up: somebody interrupted it."""
    _stopped.set()


def allow_waiting() -> None:
    """Let things be waited for again."""
    _stopped.clear()


def check_not_stopped() -> None:
    """Raise InterruptedError where somebody has interrupted this process."""
    if _stopped.is_set():
        raise InterruptedError("interrupted while waiting")


@contextmanager
def stops_waiting_when_interrupted() -> Iterator[None]:
    """Let whatever waits in other threads give up when the block is interrupted.

    They would keep the process alive; after a failure, which is no interrupt, they wait on.
    """
    try:
        yield
    except Exception:
        raise
    except BaseException:
        stop_waiting()
        raise
