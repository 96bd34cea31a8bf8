"""A clock that runs ahead: what would take minutes takes moments, and is still waited for."""

import threading
import time

from notebake.clock import RealClock


class QuickClock(RealClock):
    """Time as the machine has it, but so many times quicker."""

    def __init__(self, times: float = 100) -> None:
        self._times = times
        self._began, self._wall = time.monotonic(), time.time()

    def now(self) -> float:
        """Return the wall clock's seconds, had it run as quickly from the start."""
        return self._wall + self.elapsed()

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self._times * (time.monotonic() - self._began)

    def elapsed_with_sleep(self) -> float:
        """Return the seconds since the start."""
        return self.elapsed()

    def pause(self, seconds: float, stop: threading.Event | None) -> bool:
        """Sleep for a part of it."""
        return super().pause(seconds / self._times, stop)
