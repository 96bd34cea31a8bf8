"""Moments and spans of time as people say them."""

import datetime

DAY = 86400


def parse_moment(text: str) -> datetime.datetime | None:
    """Return the moment that a tag holds, None where it holds none; without a zone it is UTC."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def moment_of(seconds: float) -> datetime.datetime:
    """Return the moment that is so many seconds after 1970."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def spell_local(moment: datetime.datetime) -> str:
    """Return a moment in this machine's own time zone, such as `Mon 23 Nov 18:05 UTC`."""
    return f"{moment.astimezone():%a %d %b %H:%M %Z}".strip()


def spell_span(seconds: float) -> str:
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


def spell_briefly(seconds: float) -> str:
    """Return a span in its largest unit from minutes on, for a narrow column."""
    return "0 min" if seconds < 60 else " ".join(spell_span(seconds).split()[:2])
