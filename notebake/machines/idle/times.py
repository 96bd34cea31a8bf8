"""Times in text and in words; all are seconds since the epoch."""

from __future__ import annotations

import datetime
import math


def parse_time(text: str) -> float:
    """Return the time of an ISO 8601 text, which is in UTC unless it says otherwise.

    Python before 3.11 does not read the Z. ValueError if it is no time.
    """
    parsed = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=datetime.timezone.utc)  # noqa: UP017 - Python 3.9
    return parsed.timestamp()


def format_time(seconds: float) -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return _in_utc(seconds).isoformat(timespec="seconds")


def clock_time(seconds: float) -> str:
    """Return the time of day in UTC, for people."""
    return f"{_in_utc(seconds):%H:%M} UTC"


def in_minutes(seconds: float) -> str:
    """Return a duration in whole minutes, rounded up."""
    minutes = max(1, math.ceil(seconds / 60 - 0.05))
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _in_utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(round(seconds), datetime.timezone.utc)  # noqa: UP017
