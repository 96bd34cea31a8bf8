"""What people are told before a server stops: once for each interval. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from notebake.machines.idle.judge import HARD_STOP, IDLE_STOP, Judgement
from notebake.machines.idle.settings import Settings
from notebake.machines.idle.times import clock_time, in_minutes

NAME = re.compile("[a-z0-9-]{1,32}")
"""What a server's name looks like; nothing else from a tag is written to a terminal."""


def due_warnings(
    judgement: Judgement, settings: Settings, warned: Sequence[float], now: float
) -> tuple[list[float], list[float]]:
    """Return the intervals that have begun without a warning, and all that have begun.

    An interval that is longer than half of the idle limit would warn whoever pauses.
    """
    limits = settings.limits
    if judgement.stops_at is None:
        return [], []
    left = judgement.stops_at - now
    wanted = [
        seconds
        for seconds in limits.warn_seconds
        if judgement.why != IDLE_STOP or seconds <= limits.idle_seconds / 2
    ]
    begun = [seconds for seconds in wanted if 0 < left <= seconds]
    return [seconds for seconds in begun if seconds not in warned], begun


def warning_text(judgement: Judgement, settings: Settings, now: float) -> str:
    """Return what stands in the terminals: when it stops, why, and how it goes on."""
    stops_at = judgement.stops_at or now
    begin = f"notebake: this machine stops in {in_minutes(stops_at - now)}"
    begin += f" ({clock_time(stops_at)})"
    name = settings.name if NAME.fullmatch(settings.name) else "NAME"
    keep = " ".join(("notebake keep", name, "--for 3h"))
    if judgement.why == IDLE_STOP:
        since = clock_time(judgement.idle_since or now)
        return (
            f"{begin}: not used since {since}. To go on, type here, run a cell,"
            f" or type on your own computer: {keep}"
        )
    if judgement.why == HARD_STOP:
        return f"{begin}: its hard end. Save your work; start it again when you need it."
    return f"{begin}: its daily end. To put it off, type on your own computer: {keep}"


def state_text(judgement: Judgement, settings: Settings, now: float) -> str:
    """Return the state for the journal; it changes only with the state itself.

    A pause of less than a quarter of the idle limit is none.
    """
    since, limit = judgement.idle_since, settings.limits.idle_seconds
    if since is None or now - since < limit / 4:
        return "In use"
    text = f"Not used since {clock_time(since)} (last: {judgement.used.what})"
    if judgement.stops_at is None:
        return text
    return f"{text}; stops at {clock_time(judgement.stops_at)}: {judgement.why}"
