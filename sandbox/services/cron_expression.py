"""Cron expressions of EventBridge Scheduler: `cron(minute hour day month weekday year)`.

Weekdays are 1 (Sunday) to 7, and one of day and weekday is `?`. A local time that does not exist is
skipped, and one that comes twice counts once.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_NAMES_OF_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
MONTHS = {name: number for number, name in enumerate(_NAMES_OF_MONTHS.split(" "), start=1)}
WEEKDAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
ANY = "?"
NO_NAMES: dict[str, int] = {}
LIMITS = (
    ("minutes", 0, 59, NO_NAMES),
    ("hours", 0, 23, NO_NAMES),
    ("day of the month", 1, 31, NO_NAMES),
    ("month", 1, 12, MONTHS),
    ("day of the week", 1, 7, WEEKDAYS),
    ("year", 1970, 2199, NO_NAMES),
)
_CRON = re.compile(r"cron\((.*)\)")
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?")
_SPECIAL = re.compile(r"[LW#]")


class CronError(ValueError):
    """The expression is none of AWS's, or uses what the sandbox does not know."""


@dataclass(frozen=True)
class Cron:
    """The values of each field at which a schedule is due."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """Return when the schedule is due next, in UTC; None if never again."""
        local = moment.astimezone(zone)
        # The day before, as the clock may have been put back since.
        day, last = local.date() - timedelta(days=1), max(self.years)
        while day.year <= last:
            for due in self._times_of(day, zone) if self._is_due_on(day) else ():
                if due > moment:
                    return due
            day += timedelta(days=1)
        return None

    def _is_due_on(self, day: date) -> bool:
        return (
            day.year in self.years
            and day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 + 1 in self.weekdays
        )

    def _times_of(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                due = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
                if due.astimezone(zone).time() == time(hour, minute):
                    yield due


def read_cron(expression: str) -> Cron | None:
    """Return what a cron expression says; None for expressions of another kind.

    Raises CronError, with a description that names the field.
    """
    if not (found := _CRON.fullmatch(expression)):
        return None
    fields = found[1].split()
    if len(fields) != len(LIMITS):
        raise CronError(f"{len(LIMITS)} fields are needed, and there are {len(fields)}")
    if (fields[2] == ANY) == (fields[4] == ANY):
        raise CronError("one of day of the month and day of the week must be ?, and not both")
    values = [_read_field(text, *limits) for text, limits in zip(fields, LIMITS, strict=True)]
    minutes, hours, *others = values
    return Cron(tuple(sorted(minutes)), tuple(sorted(hours)), *map(frozenset, others))


def _read_field(text: str, field: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    if text == ANY and field.startswith("day"):
        return set(range(low, high + 1))
    values: set[int] = set()
    for part in text.upper().split(","):
        found = _PART.fullmatch(part)
        if not found:
            unknown = "is not known to the sandbox" if _SPECIAL.search(part) else "is not valid"
            raise CronError(f"{part} for {field} {unknown}")
        star, first, last, step = found.groups()
        begin = low if star else _read_value(first, field, low, high, names)
        end = _read_value(last, field, low, high, names) if last else begin
        if star or (step and not last):
            end = high
        if end < begin or step == "0":
            raise CronError(f"{part} for {field} is not valid")
        values.update(range(begin, end + 1, int(step or 1)))
    return values


def _read_value(text: str, field: str, low: int, high: int, names: dict[str, int]) -> int:
    value = names.get(text) or (int(text) if text.isdigit() else None)
    if value is None and _SPECIAL.search(text):
        raise CronError(f"{text} for {field} is not known to the sandbox")
    if value is None or not low <= value <= high:
        raise CronError(f"{text} for {field} is not from {low} to {high}")
    return value
