"""Whether the checks of a schedule have come, by when they were due and by those that are kept."""

import datetime
from collections.abc import Sequence

from notebake.images.updates.last_check import describe_last_check
from notebake.record import Record

PERIODS = 2
"""So many checks that were due and have not come are told."""
GRACE = datetime.timedelta(hours=1)
"""A check that was due so short a time ago may still wait for its turn."""


class WatchedSchedule(Record):
    """A schedule of checks, and what it has brought."""

    deployment: str
    """Flow and deployment, as Prefect's command line takes them."""
    rule: str
    """When it is due, in the schedule's own words: a cron line with its time zone."""
    recipe: str
    region: str = ""
    last: datetime.datetime | None = None
    """When a check of the recipe was kept last, in UTC."""
    missed: tuple[datetime.datetime, ...] = ()
    """When checks were due since then, or since the deployment was made or its schedule changed."""
    fault: str = ""
    """Why that is not known."""

    @property
    def is_overdue(self) -> bool:
        return len(self.missed) >= PERIODS


def list_missed(
    due: Sequence[datetime.datetime], last: datetime.datetime | None, now: datetime.datetime
) -> tuple[datetime.datetime, ...]:
    """Return those times after the last check at which another one was due."""
    return tuple(at for at in due if (last is None or at > last) and at <= now - GRACE)


def describe_schedule(watched: WatchedSchedule, now: datetime.datetime) -> str:
    """Return a line about a schedule."""
    place = f" in {watched.region}" if watched.region else ""
    begin = f"{watched.recipe}{place}, by {watched.deployment} ({watched.rule})"
    if watched.fault:
        return f"{begin}: not known: {watched.fault}"
    checked = describe_last_check(watched.last, now)
    if not watched.missed:
        return f"{begin}: {checked}"
    return f"{begin}: {checked}, due since {watched.missed[0]:%Y-%m-%d %H:%M} UTC"
