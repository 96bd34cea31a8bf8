"""Text for people: counts, quoted lines, times and durations."""

import datetime
import re
from decimal import ROUND_HALF_UP, Decimal

MAX_QUOTE = 60
DAY = 86400
# Sequences that move the cursor, set a colour or the title, or change the text direction.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def pluralize(count: int, noun: str) -> str:
    """Return a count with its noun: `1 cell`, `3 cells`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def capitalize_first(sentence: str) -> str:
    """Return the sentence with a capital first letter."""
    return sentence[:1].upper() + sentence[1:]


def quote_code(line: str) -> str:
    """Return a line of code in backticks and parentheses, cut after 60 characters."""
    return f"(`{line[:MAX_QUOTE]}{'…' if len(line) > MAX_QUOTE else ''}`)"


def format_span(seconds: float) -> str:
    """Return a rounded duration: `45 s`, `12 min`, `3 h 05 min`, `2 d 4 h`, `90 d`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < DAY:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    if whole < 10 * DAY and whole % DAY >= 3600:
        return f"{whole // DAY} d {whole % DAY // 3600} h"
    return f"{whole // DAY} d"


def clean_text(text: str) -> str:
    """Return the text without terminal control sequences: a host may print anything."""
    return UNPRINTABLE.sub("", ESCAPES.sub("", text)).expandtabs(4)


def first_line(text: str) -> str:
    """Return the first line of the text without terminal control sequences."""
    return next(iter(clean_text(text).strip().splitlines()), "")


def format_local(moment: datetime.datetime) -> str:
    """Return a timestamp in this machine's time zone, such as `Mon 23 Nov 18:05 UTC`."""
    return f"{moment.astimezone():%a %d %b %H:%M %Z}".strip()


def format_utc(moment: datetime.datetime) -> str:
    """Return a timestamp in UTC, such as `Mon 23 Nov 18:05 UTC`."""
    return f"{moment.astimezone(datetime.UTC):%a %d %b %H:%M} UTC"


def format_briefly(seconds: float) -> str:
    """Return a duration in its largest unit, at least minutes, for a narrow column."""
    return "0 min" if seconds < 60 else " ".join(format_span(seconds).split()[:2])


def format_seconds(seconds: float) -> str:
    """Return a duration with seconds below an hour; at most 10 characters below 100 hours."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def format_dollars(usd: str | None, *, is_complete: bool = True) -> str:
    """Return an exact amount for people: `$1.20`, `under $0.01`, `$1.20 or more`; "" for None.

    Raises:
        ArithmeticError: the text is no number.
    """
    if usd is None:
        return ""
    cents = Decimal(usd).quantize(Decimal("0.01"), ROUND_HALF_UP)
    text = f"${cents:.2f}" if cents or not Decimal(usd) else "under $0.01"
    return text if is_complete else f"{text} or more"


def format_bytes(count: int) -> str:
    """Return a size: `13 B`, `1.5 KiB`, `2.0 GiB`."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def format_added(count: int) -> str:
    """Return how much something has grown: `+13.0 KiB`, `-1.5 MiB`."""
    return f"{'+' if count >= 0 else ''}{format_bytes(count)}"
