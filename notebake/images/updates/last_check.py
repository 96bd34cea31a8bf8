"""When somebody last asked whether an image is out of date, by the checks that are kept."""

import datetime
import json

from notebake.humanize import format_span
from notebake.runs.open_store import open_store
from notebake.runs.reserved_ids import CHECKS
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
    store = open_store(location)
    # The keys are in the order of time (`keep_check`).
    for key in sorted(store.list(f"{CHECKS}/{recipe}/"), reverse=True)[:MOST_READ]:
        stored = store.read(key)
        if stored is None:
            continue
        found = json.loads(stored.content)
        at = parse_timestamp(found["checked"])
        if found["region"] == region and at and (before is None or at < before):
            return at
    return None


def describe_last_check(at: datetime.datetime | None, now: datetime.datetime) -> str:
    """Return how long ago that was: `last checked 63 d ago`, or `never checked`."""
    return f"last checked {format_span((now - at).total_seconds())} ago" if at else "never checked"
