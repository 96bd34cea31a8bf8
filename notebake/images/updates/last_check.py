"""When somebody last asked whether an image is out of date, by the checks that are kept."""

import datetime
import json
from itertools import islice

from notebake.humanize import format_span
from notebake.images.updates.kept_check import kept_checks
from notebake.timestamps import parse_timestamp

MOST_READ = 50
"""So many of the newest checks of a recipe are looked through for its region."""


def find_last_check(
    recipe: str, region: str, location: str, *, before: datetime.datetime | None = None
) -> datetime.datetime | None:
    """Return when a recipe was last checked in a region, in UTC; None if it never was.

    Args:
        before: Checks of this time and later do not count; None: all count.

    Raises:
        RunStoreError: the store failed.
    """
    for content in islice(kept_checks(recipe, location), MOST_READ):
        found = json.loads(content)
        at = parse_timestamp(found["checked"])
        if found["region"] == region and at and (before is None or at < before):
            return at
    return None


def describe_last_check(at: datetime.datetime | None, now: datetime.datetime) -> str:
    """Return how long ago that was: `last checked 63 d ago`, or `never checked`."""
    return f"last checked {format_span((now - at).total_seconds())} ago" if at else "never checked"
