"""The time as a server has it, learned from the Date of its answers."""

import math
import threading
from email.utils import parsedate_to_datetime

from notebake import clock


class ServerTime:
    """Bounds on how far a server's clock is ahead of this machine's time since boot.

    A Date is cut to whole seconds and was true somewhere between question and answer; each answer
    narrows the bounds. The machine's own wall clock, which people set, plays no part.
    """

    def __init__(self) -> None:
        self._low, self._high = -math.inf, math.inf
        self._lock = threading.Lock()

    @property
    def is_known(self) -> bool:
        """Whether there was an answer."""
        return math.isfinite(self._low)

    def learn(self, date: str, asked_at: float) -> None:
        """Take in the Date header of an answer to what was asked at a moment of this machine."""
        told = parsedate_to_datetime(date).timestamp()
        low, high = told - clock.elapsed_with_sleep(), told + 1 - asked_at
        with self._lock:
            self._low, self._high = max(low, self._low), min(high, self._high)
            if self._low > self._high:
                # Clocks drift apart, and may be set: the newest answer is believed.
                self._low, self._high = low, high

    def now(self) -> float:
        """Return the server's seconds since 1970, to a second or better."""
        with self._lock:
            return clock.elapsed_with_sleep() + (self._low + self._high) / 2


def minutes_apart(date: str) -> float | None:
    """Return by how many minutes this machine's wall clock is ahead of the Date of an answer.

    None where the answer tells no time.
    """
    try:
        told = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    return (clock.now() - told) / 60
