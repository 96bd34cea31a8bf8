"""The daily end: a time of day in a zone, right across daylight saving."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from notebake.machines.idle.zone_names import name_of_today

PATTERN = re.compile(r"([01]\d|2[0-3]):([0-5]\d) ([A-Za-z0-9_+\-/]+)")


@dataclass(frozen=True)
class DailyEnd:
    """A time of day in a zone of the time zone database, as `19:00 America/Los_Angeles`."""

    hour: int
    minute: int
    zone: str

    def after(self, seconds: float) -> float:
        """Return the first daily end after a time, both in seconds since the epoch.

        A time of day that occurs twice counts when it occurs first. Where it does not occur, as the
        clock is put forward over it, the end is that much later.
        """
        zone = ZoneInfo(self.zone)
        local = datetime.datetime.fromtimestamp(seconds, zone)
        for days in range(-1, 3):
            date = local.date() + datetime.timedelta(days=days)
            # `fold` is 0: the first of two, and in a gap the offset from before it.
            end = datetime.datetime.combine(date, datetime.time(self.hour, self.minute), zone)
            if end.timestamp() > seconds:
                return end.timestamp()
        raise AssertionError("each span of three days has a daily end")

    def __str__(self) -> str:
        """Return it as in the tag."""
        return f"{self.hour:02}:{self.minute:02} {self.zone}"


def parse_daily_end(text: str) -> DailyEnd:
    """Return what a text such as `19:00 America/Los_Angeles` says; ValueError if nothing."""
    matched = PATTERN.fullmatch(text.strip())
    if not matched:
        raise ValueError("it is not like 19:00 America/Los_Angeles")
    zone = matched[3]
    for name in (zone, name_of_today(zone)):
        try:
            ZoneInfo(name)
        except (OSError, ValueError, LookupError):
            continue
        return DailyEnd(int(matched[1]), int(matched[2]), name)
    raise ValueError(f"there is no time zone {zone}")
