"""When a server stops by itself: for idleness, each day at a local time, or a day after its start.

The machine itself decides, by its tags; this module reads what people type and writes the tags.
"""

import datetime
import re
from collections.abc import Mapping
from contextlib import suppress

from notebake.aws import tags
from notebake.errors import NotebakeError
from notebake.humanize import format_utc
from notebake.machines.idle.daily_end import parse_daily_end
from notebake.record import Record
from notebake.servers.zones import check_zone, local_zone
from notebake.timestamps import parse_timestamp, utc_from_seconds

IDLE_MINUTES = 60
NO_END = "none"
HARD_END_HOURS = 24
"""After its start a server stops whatever it does, if it has no daily end."""
_LENGTH = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?")
_CLOCK_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def read_minutes(text: str) -> int:
    """Return the minutes that a person typed, as 90m, 3h or 1h30m.

    Raises:
        NotebakeError: it is no length of time.
    """
    found = _LENGTH.fullmatch(text.strip().lower())
    if not found or not text.strip() or not any(found.groups()):
        raise NotebakeError(f"{text!r} is no length of time.", "Such as: 45m, 3h, or 1h30m")
    return int(found[1] or 0) * 60 + int(found[2] or 0)


def read_daily_end(text: str, usual_zone: str = "") -> str:
    """Return the daily end that a person typed, `19:00` or `19:00 Europe/Berlin`, as a tag has it.

    Where no zone was typed it is the usual one; without that, this computer's. `none` is "": no
    daily end any more.

    Raises:
        NotebakeError: it is no time, or the zone is unknown.
    """
    if text.strip() == NO_END:
        return ""
    time, _, zone = text.strip().partition(" ")
    found = _CLOCK_TIME.fullmatch(time)
    if not found:
        raise NotebakeError(f"{text!r} is no time of day.", "Such as: 19:00, or '19:00 Asia/Tokyo'")
    zone = check_zone(zone.strip() or usual_zone or local_zone())
    return f"{int(found[1]):02}:{found[2]} {zone}"


class Wishes(Record):
    """What a person asks for by name; what is not asked for is as usual, or stays as it is."""

    idle_minutes: int | None = None
    daily_end: str | None = None
    """As a tag has it; "": none any more."""
    scheduler_role: str | None = None
    """"": none any more."""

    def tags(self) -> dict[str, str]:
        """Return the tags that say so."""
        asked = {
            tags.IDLE: None if self.idle_minutes is None else str(self.idle_minutes),
            tags.DAILY_END: self.daily_end,
            tags.SCHEDULER_ROLE: self.scheduler_role,
        }
        return {key: value for key, value in asked.items() if value is not None}


def tags_of_ends(idle_minutes: int, daily_end: str, now: datetime.datetime) -> dict[str, str]:
    """Return the tags that say when a server stops which starts now."""
    marks = {tags.IDLE: str(idle_minutes)}
    if daily_end:
        marks[tags.DAILY_END] = daily_end
    if end := hard_end_of_start(now, daily_end):
        marks[tags.HARD_END] = end
    return marks


def usual_end(started_at: datetime.datetime, daily_end: str) -> datetime.datetime:
    """Return the last end of a start for which no tag gives one.

    It is a day later, or the daily end if that comes later, as on the day of 25 hours. The machine
    has it so, too.
    """
    end = started_at + datetime.timedelta(hours=HARD_END_HOURS)
    with suppress(ValueError):
        daily = parse_daily_end(daily_end).after(started_at.timestamp())
        return max(end, utc_from_seconds(daily))
    return end


def hard_end_of_start(now: datetime.datetime, daily_end: str) -> str:
    """Return the hard end of a server that starts now as a tag has it; "": its daily end will do.

    Before a daily end on the day of 25 hours it is there as well: machines from older images take
    24 hours without it.
    """
    end = usual_end(now, daily_end)
    is_long = end > now + datetime.timedelta(hours=HARD_END_HOURS)
    return tags.as_tag(end) if is_long or not daily_end else ""


def tags_of_changes(
    changes: Mapping[str, str], now: datetime.datetime, marks: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the tags for changed settings of a server that is there, and has these marks.

    Where its daily end goes it gets a last end: without one its machine would take a day after its
    boot, which may have passed. Where it gets another daily end, an earlier last end is moved
    there: its machine has one beside each daily end, and would stop before that.
    """
    daily = changes.get(tags.DAILY_END)
    if daily is None:
        return dict(changes)
    if not daily:
        ends = now + datetime.timedelta(hours=HARD_END_HOURS)
        return {**changes, tags.HARD_END: tags.as_tag(ends)}
    ends = utc_from_seconds(parse_daily_end(daily).after(now.timestamp()))
    before = parse_timestamp((marks or {}).get(tags.HARD_END, ""))
    if before and before >= ends:
        return dict(changes)
    return {**changes, tags.HARD_END: tags.as_tag(ends)}


def last_end(
    marks: Mapping[str, str], started_at: datetime.datetime | None = None
) -> datetime.datetime | None:
    """Return the hard end of a server with these tags; None if it has a daily one, or none.

    A hard end from before its last start was for an earlier one: then it is a day after that start,
    as its machine has it (`notebake/machines/idle/judge.py`).
    """
    if marks.get(tags.DAILY_END):
        return None
    end = parse_timestamp(marks.get(tags.HARD_END, ""))
    if started_at and (end is None or end <= started_at):
        return started_at + datetime.timedelta(hours=HARD_END_HOURS)
    return end


def describe_ends(marks: Mapping[str, str], started_at: datetime.datetime | None = None) -> str:
    """Return in words when a server with these tags stops by itself; times are in UTC.

    `started_at` is its last start, None before the first one.
    """
    minutes = marks.get(tags.IDLE, "")
    idle = f"after {minutes} minutes without use" if minutes not in ("", "0") else ""
    if daily := marks.get(tags.DAILY_END, ""):
        last = f"each day at {daily}"
    elif end := last_end(marks, started_at):
        last = f"at {format_utc(end)} at the latest"
    else:
        last = ""
    return ", and ".join(filter(None, (idle, last))) or "never"
