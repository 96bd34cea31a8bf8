"""Small pieces of the sentences that people read: counts, quoted lines, times and durations."""

import datetime
import re

LONGEST_LINE = 60
DAY = 86400
# What would move the cursor, colour the terminal, set its title or turn the direction of text.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural where it must be."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def capitalised(sentence: str) -> str:
    """Return a sentence with a capital at its head."""
    return sentence[:1].upper() + sentence[1:]


def quoted(line: str) -> str:
    """Return a line of code as it stands behind what it belongs to, its end left out if long."""
    return f"(`{line[:LONGEST_LINE]}{'…' if len(line) > LONGEST_LINE else ''}`)"


def format_span(seconds: float) -> str:
    """Return a span as people say it: `45 s`, `12 min`, `3 h 05 min`, `2 d 4 h`, `90 d`."""
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
    """Return the text without what would act on a terminal: a host may print anything."""
    return UNPRINTABLE.sub("", ESCAPES.sub("", text)).expandtabs(4)


def first_line(text: str) -> str:
    """Return the first line of the text, clean."""
    return next(iter(clean_text(text).strip().splitlines()), "")


def format_local(moment: datetime.datetime) -> str:
    """Return a moment in this machine's own time zone, such as `Mon 23 Nov 18:05 UTC`."""
    return f"{moment.astimezone():%a %d %b %H:%M %Z}".strip()


def format_briefly(seconds: float) -> str:
    """Return a span in its largest unit from minutes on, for a narrow column."""
    return "0 min" if seconds < 60 else " ".join(format_span(seconds).split()[:2])


def format_seconds(seconds: float) -> str:
    """Return a duration as people say it, in at most 10 characters below 100 hours."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
