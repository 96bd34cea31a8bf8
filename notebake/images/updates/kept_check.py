"""The checks for updates that the run store has kept."""

import datetime
from collections.abc import Iterator

from notebake.images.updates.update_check import UpdateCheck
from notebake.runs.open_store import open_store
from notebake.runs.reserved_ids import CHECKS


def kept_checks(recipe: str, location: str) -> Iterator[bytes]:
    """Yield what was kept of each check of a recipe, the newest first.

    Raises:
        RunStoreError: the store failed.
    """
    store = open_store(location)
    # The keys are in the order of time; see `keep_check`.
    for key in sorted(store.list(f"{CHECKS}/{recipe}/"), reverse=True):
        if stored := store.read(key):
            yield stored.content


def find_kept_check(
    recipe: str, region: str, location: str, *, until: datetime.datetime
) -> UpdateCheck | None:
    """Return the last check of a recipe in a region up to a time; None if none was kept.

    Raises:
        RunStoreError: the store failed.
    """
    for content in kept_checks(recipe, location):
        check = UpdateCheck.model_validate_json(content)
        if check.region == region and check.checked <= until:
            return check
    return None
