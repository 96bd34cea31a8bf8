"""Moments: read from tags and from seconds."""

import datetime


def parse_moment(text: str) -> datetime.datetime | None:
    """Return the moment that a tag holds, None where it holds none; without a zone it is UTC."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def utc_from_seconds(seconds: float) -> datetime.datetime:
    """Return the moment that is so many seconds after 1970."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
