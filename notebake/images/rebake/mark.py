"""The marks of rebakes in the run store: which runs were begun without being asked for, and why.

rebakes/<region>/<recipe>/runs/<run id>.json
rebakes/<region>/<recipe>/lock.json             the right to begin one (holding)

What became of a rebake is read from its run, so that nothing has to be written at its end.
"""

import datetime

from pydantic import ConfigDict

from notebake.errors import RunStoreError
from notebake.images.updates.current import CurrentImage, accepted_image
from notebake.recipe import Recipe
from notebake.record import Record, digest_of
from notebake.runs.approvals.approval_log import is_unapproved
from notebake.runs.open_store import open_store
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.reserved_ids import REBAKES
from notebake.store.interface import RunStore


class RebakeMark(Record):
    """One rebake that was begun."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    began: datetime.datetime
    reason: str
    recipe_digest: str
    """Of the recipe as it was written, without what a rebake adds to it."""
    previous_run_id: str
    """The run that made the image that was current then; "" if there was none."""
    held_back: tuple[str, ...] = ()
    """Updates that were too new for the cooldown, with how old they were."""
    start: str = ""
    """From which image it starts, and why (`rebake.start`)."""


def folder_of(recipe: Recipe) -> str:
    """Return the prefix of all that is kept of the rebakes of a recipe."""
    return f"{REBAKES}/{recipe.region}/{recipe.name}"


def written_digest(recipe: Recipe) -> str:
    """Return the digest of a recipe without what a rebake adds to it."""
    rebake = recipe.rebake and recipe.rebake.as_written()
    return digest_of(recipe.model_copy(update={"rebake": rebake}))


def keep_mark(mark: RebakeMark, recipe: Recipe, store: RunStore) -> None:
    """Mark a run as a rebake; a mark that is there stays.

    Raises:
        RunStoreError: the store failed.
    """
    store.create(_key(mark.run_id, recipe), f"{mark.model_dump_json(indent=2)}\n".encode())


def read_mark(run_id: str, recipe: Recipe, store: RunStore) -> RebakeMark | None:
    """Return the mark of a run; None if it is no rebake."""
    stored = store.read(_key(run_id, recipe))
    return RebakeMark.model_validate_json(stored.content) if stored else None


def count_failures(recipe: Recipe, current: CurrentImage | None, location: str) -> int:
    """Return how many rebakes in a row, up to the newest, have ended without an accepted image.

    A build by hand that succeeded, or another recipe, ends the row. Nobody may execute one of them
    meanwhile: whoever asks holds the lock.

    Raises:
        RunStoreError: the store failed.
    """
    store, count = open_store(location), 0
    for key in reversed(store.list(f"{folder_of(recipe)}/runs/")):
        stored = store.read(key)
        if stored is None:
            continue
        mark = RebakeMark.model_validate_json(stored.content)
        if mark.recipe_digest != written_digest(recipe):
            break
        if current and current.accepted > mark.began:
            break
        outcome = _is_accepted(mark.run_id, location)
        if outcome:
            break
        count += outcome is not None
    return count


def _is_accepted(run_id: str, location: str) -> bool | None:
    """Return whether a run has an accepted image; None if it was never executed or approved."""
    try:
        recorded = read_recorded_run(run_id, location)
    except RunStoreError:
        return None
    if not recorded.is_recorded or is_unapproved(run_id, location):
        return None
    return accepted_image(recorded.summary, location) is not None


def _key(run_id: str, recipe: Recipe) -> str:
    return f"{folder_of(recipe)}/runs/{run_id}.json"
