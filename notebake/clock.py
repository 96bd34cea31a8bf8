"""The clock that all code reads and waits on. A test replaces it, and a day passes in a second."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Clock(Protocol):
    """Gives the time and waits."""

    def now(self) -> float:
        """Return seconds since 1970 by this machine's clock."""

    def elapsed(self) -> float:
        """Return monotonic seconds, without the time that the machine slept."""

    def elapsed_with_sleep(self) -> float:
        """Return monotonic seconds, with the time that the machine slept."""

    def pause(self, seconds: float, stop: threading.Event | None) -> bool:
        """Wait for the seconds to pass (return False) or for `stop` to be set (return True)."""


class RealClock:
    """This machine's clock."""

    def now(self) -> float:
        return time.time()

    def elapsed(self) -> float:
        return time.monotonic()

    def elapsed_with_sleep(self) -> float:
        """Return the seconds since boot; on macOS the monotonic clock already counts sleep."""
        boot_time = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)

    def pause(self, seconds: float, stop: threading.Event | None) -> bool:
        if stop is not None:
            return stop.wait(seconds)
        time.sleep(seconds)
        return False


_clocks: list[Clock] = [RealClock()]


def now() -> float:
    """Return seconds since 1970 by this machine's clock."""
    return _clocks[-1].now()


def elapsed() -> float:
    """Return monotonic seconds, to measure how long something takes."""
    return _clocks[-1].elapsed()


def elapsed_with_sleep() -> float:
    """Return monotonic seconds that include a laptop's sleep, for what expires meanwhile."""
    return _clocks[-1].elapsed_with_sleep()


def pause(seconds: float, stop: threading.Event | None = None) -> bool:
    """Wait; return True if `stop` was set before the time was over."""
    return _clocks[-1].pause(seconds, stop)


@contextmanager
def replaced(clock: Clock) -> Iterator[None]:
    """Use another clock in the whole process while the block runs."""
    _clocks.append(clock)
    try:
        yield
    finally:
        _clocks.remove(clock)
