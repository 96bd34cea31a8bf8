"""The sandbox's clock, which can be put forward, and the agenda of work that is due at a time."""

import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time that EC2 shows. It never goes backward."""

    def __init__(self, read: Callable[[], float] = time.time) -> None:
        """`read` returns seconds since 1970; a test may pass another clock."""
        self._read = read
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.fromtimestamp(self._read(), UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        if not seconds >= 0:
            raise ValueError(f"A clock goes forward, not by {seconds} seconds")
        self._ahead += timedelta(seconds=seconds)


class Agenda:
    """Work with the time at which it is due. Not thread-safe: hold the cloud's lock."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._entries: list[tuple[datetime, int, Callable[[], object]]] = []

    def add(self, due: datetime, work: Callable[[], object]) -> None:
        heapq.heappush(self._entries, (due, next(self._numbers), work))

    def take_due(self, now: datetime) -> Callable[[], object] | None:
        """Remove and return the work that has been due longest, or None."""
        if not self._entries or self._entries[0][0] > now:
            return None
        return heapq.heappop(self._entries)[2]
