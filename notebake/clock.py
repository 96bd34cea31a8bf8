"""Time: told here and waited for here, so that a test can let a day pass in a second."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Clock(Protocol):
    """What tells the time, and lets it pass."""

    def now(self) -> float:
        """Return the seconds since 1970, as this machine believes."""

    def elapsed(self) -> float:
        """Return seconds that only grow, without those in which the machine slept."""

    def elapsed_with_sleep(self) -> float:
        """Return seconds that only grow, with those in which the machine slept."""

    def pause(self, seconds: float, stop: threading.Event | None) -> bool:
        """Let time pass until it is over (False) or `stop` is set (True)."""


class RealClock:
    """The machine's own."""

    def now(self) -> float:
        """Return the wall clock's seconds."""
        return time.time()

    def elapsed(self) -> float:
        """Return the monotonic clock's seconds."""
        return time.monotonic()

    def elapsed_with_sleep(self) -> float:
        """Return the seconds since boot; on macOS the monotonic clock counts sleep itself."""
        boot_time = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)

    def pause(self, seconds: float, stop: threading.Event | None) -> bool:
        """Sleep."""
        if stop is not None:
            return stop.wait(seconds)
        time.sleep(seconds)
        return False


_clocks: list[Clock] = [RealClock()]


def now() -> float:
    """Return the seconds since 1970, as this machine believes."""
    return _clocks[-1].now()


def elapsed() -> float:
    """Return seconds that only grow, for measuring how long somebody has waited."""
    return _clocks[-1].elapsed()


def elapsed_with_sleep() -> float:
    """Return seconds that only grow and count a laptop's sleep, for what ends meanwhile."""
    return _clocks[-1].elapsed_with_sleep()


def pause(seconds: float, stop: threading.Event | None = None) -> bool:
    """Wait; True if `stop` was set before the time was over."""
    return _clocks[-1].pause(seconds, stop)


@contextmanager
def replaced(clock: Clock) -> Iterator[None]:
    """Let another clock tell the time of the whole process as long as the block runs."""
    _clocks.append(clock)
    try:
        yield
    finally:
        _clocks.remove(clock)
