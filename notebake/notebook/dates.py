"""Finds the dates and times at which a notebook ran in its output.

Only the time of the execution itself is found, any other date is a result: the index of a table
of 2023 is compared, the output of `datetime.now()` is not.
"""

import math
import re
from datetime import UTC, datetime
from typing import NamedTuple

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
SLACK_SECONDS = 2
"""A program reads the clock before it prints, and a cell's times are recorded slightly later."""
ZONE_SECONDS = 900
"""Time zones are multiples of a quarter of an hour, from UTC-12 to UTC+14."""
ZONES = range(-48, 57)
SHORT_SECONDS = 600
"""In a longer run, any time of day is its own in some zone: then only UTC counts."""
DAY_SECONDS = 86_400
MASK = "\ue000"
"""A character that has no meaning of its own, and is neither a letter nor a blank."""
NOT_LINE_END = re.compile(r"[^\n]")

_CLOCK = (
    r"(?P<hour>\d{1,2})[:h.-]?(?P<minute>\d\d)(?:[:m.-]?(?P<second>\d\d)(?:[.,]\d+)?)?"
    r"(?:[ ]?(?P<half>[AaPp])\.?[Mm]\b\.?)?(?:[ ]?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)(?!\d))?"
)
_YEAR, _DAY = r"(?P<year>\d{4})", r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_NAMED_MONTH = rf"(?P<month>{'|'.join(MONTHS)})[a-z]*\.?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_THEN_CLOCK = rf"(?:(?:T|_|-|,?\s+(?:at\s+)?){_CLOCK})?"
DATES = tuple(
    re.compile(rf"(?<![\d.]){pattern}(?!\d)", re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}([-/.])(?P<month>\d\d)\2(?P<day>\d\d){_THEN_CLOCK}",
        rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d){_THEN_CLOCK}",
        rf"{_WEEKDAY}{_DAY}[-\s]{_NAMED_MONTH}[-,\s]\s?{_YEAR}{_THEN_CLOCK}",
        rf"{_WEEKDAY}{_NAMED_MONTH}\s+{_DAY},?\s+(?:{_CLOCK}\s+(?:[A-Z]{{3,4}}\s+)?)?{_YEAR}",
        rf"{_NAMED_MONTH}\s+{_DAY},?\s+{_YEAR}{_THEN_CLOCK}",
        rf"(?P<month>\d{{1,2}})([/.])(?P<day>\d{{1,2}})\2{_YEAR}{_THEN_CLOCK}",
        rf"(?P<day>\d{{1,2}})([/.])(?P<month>\d{{1,2}})\2{_YEAR}{_THEN_CLOCK}",
        rf"{_YEAR}, ?(?P<month>\d{{1,2}}), ?(?P<day>\d{{1,2}})(?:, ?(?P<hour>\d{{1,2}}), ?"
        r"(?P<minute>\d{1,2})(?:, ?(?P<second>\d{1,2})(?:, ?\d{1,6})?)?)?",
    )
)
# A time after a date that was not removed belongs to that date.
TIMES = re.compile(
    r"(?<![\d:.])(?<![-/.]\d\d[ T])(?<!\d{4}[ T])(?P<hour>\d{1,2}):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:[.,]\d+)?)?(?:\s?(?P<half>[AaPp])\.?[Mm]\b\.?)?(?![\d:])"
)
UNIX_TIME = re.compile(r"(?<![\w.])\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?![\w.])")


class Span(NamedTuple):
    """The time at which something ran, in Unix time."""

    began: float
    ended: float


def mask_run_times(text: str, span: Span) -> str:
    """Return a text with MASK for each character of a date or time within the span, line for line.

    It may be in any time zone. All else stays where it is.
    """
    for year in {datetime.fromtimestamp(seconds, UTC).strftime("%Y") for seconds in span}:
        if year in text:
            with_year = re.compile(rf"[^\n]*{year}[^\n]*")
            text = with_year.sub(lambda line: _mask_run_dates(line[0], span), text)
    if ":" in text:
        text = TIMES.sub(lambda found: _mask_time(found, span), text)
    if any(str(int(seconds))[:4] in text for seconds in span):
        text = UNIX_TIME.sub(lambda found: _mask_unix_time(found, span), text)
    return text


def _mask_run_dates(line: str, span: Span) -> str:
    for pattern in DATES:
        line = pattern.sub(lambda found: _mask_time(found, span), line)
    return line


def seconds_from_iso(text: object) -> float | None:
    """Return the Unix time of an ISO time, which is UTC if it names no zone; None if it is none."""
    try:
        time = datetime.fromisoformat(str(text))
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _mask_time(found: re.Match[str], span: Span) -> str:
    """Mask a date or time within the span in some zone, return any other as it is."""
    parts = found.groupdict()
    clock = _seconds_of_day(parts)
    has_second = parts.get("second") is not None
    slack = SLACK_SECONDS if has_second else 60 + SLACK_SECONDS
    if "year" not in parts:
        return _masked(found, clock is not None and _is_time_of(clock, span, slack))
    try:
        day = datetime(*_date_of(parts), tzinfo=UTC).timestamp()
    except ValueError:
        return found[0]
    if clock is None:
        first, last = span.began - DAY_SECONDS * 1.5, span.ended + DAY_SECONDS * 0.6
        return _masked(found, first <= day <= last)
    return _masked(found, _is_within(day + clock, span, slack))


def _masked(found: re.Match[str], is_own: bool) -> str:
    return NOT_LINE_END.sub(MASK, found[0]) if is_own else found[0]


def _is_time_of(clock: float, span: Span, slack: float) -> bool:
    """Return whether a time of day without a date is within the span."""
    length = span.ended - span.began
    cycle = ZONE_SECONDS if length <= SHORT_SECONDS else DAY_SECONDS
    return (clock - span.began + slack) % cycle <= length + 2 * slack


def _is_within(local_time: float, span: Span, slack: float) -> bool:
    """Return whether a local time of unknown zone is within the span."""
    late, early = local_time - span.ended - slack, local_time - span.began + slack
    first = max(math.ceil(late / ZONE_SECONDS), ZONES[0])
    return first <= min(math.floor(early / ZONE_SECONDS), ZONES[-1])


def _seconds_of_day(parts: dict[str, str | None]) -> float | None:
    """Return a time of day in seconds; None if there is none."""
    if parts.get("hour") is None:
        return None
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    if half := parts.get("half"):
        hour = hour % 12 + 12 * (half in "Pp")
    return hour * 3600.0 + minute * 60 + second if hour < 24 and minute < 60 else None


def _date_of(parts: dict[str, str | None]) -> tuple[int, int, int]:
    month = str(parts["month"]).lower()
    named = MONTHS.index(month[:3]) + 1 if month[:3] in MONTHS else int(month)
    return int(str(parts["year"])), named, int(str(parts["day"]))


def _mask_unix_time(found: re.Match[str], span: Span) -> str:
    """Mask a Unix time within the span, return any other as it is.

    Three, six or nine more digits are milliseconds, microseconds or nanoseconds.
    """
    whole = found[0].partition(".")[0]
    seconds = int(whole) / 10 ** (len(whole) - 10)
    return _masked(found, span.began - SLACK_SECONDS <= seconds <= span.ended + SLACK_SECONDS)
