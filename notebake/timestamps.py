"""Timestamps, read from tags and from seconds."""

import datetime


def parse_timestamp(text: str) -> datetime.datetime | None:
    """Return the timestamp in the text, or None if there is none; without a zone it is UTC."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def utc_from_seconds(seconds: float) -> datetime.datetime:
    """Return the UTC timestamp of a number of seconds since 1970."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
