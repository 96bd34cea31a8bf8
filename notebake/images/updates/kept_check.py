"""A check for updates that the run store has kept."""

import datetime

from notebake.images.updates.update_check import UpdateCheck
from notebake.runs.open_store import open_store
from notebake.runs.reserved_ids import CHECKS


def find_kept_check(
    recipe: str, region: str, location: str, *, until: datetime.datetime
) -> UpdateCheck | None:
    """Return the last check of a recipe in a region up to a time; None if none was kept.

    Raises:
        RunStoreError: the store failed.
    """
    store = open_store(location)
    # The keys are in the order of time; see `keep_check`.
    for key in reversed(store.list(f"{CHECKS}/{recipe}/")):
        stored = store.read(key)
        if stored is None:
            continue
        check = UpdateCheck.model_validate_json(stored.content)
        if check.region == region and check.checked <= until:
            return check
    return None
