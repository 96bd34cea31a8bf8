"""Of one recipe in one region at most one rebake is under way."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from notebake.errors import NotebakeError
from notebake.images.rebake.mark import folder_of
from notebake.recipe import Recipe
from notebake.runs.held_lock import LockTakenError, describe_holder, hold
from notebake.runs.lock import ExecutedElsewhereError
from notebake.runs.lock_record import LockPlace
from notebake.timeouts import RUN_LOCK_SECONDS


class RebakeInProgressError(NotebakeError):
    """Another rebake of the recipe is under way. Nothing was begun."""


@contextmanager
def holding_rebake(
    recipe: Recipe, location: str, *, seconds: float = RUN_LOCK_SECONDS, by: str = ""
) -> Iterator[None]:
    """Hold the right to rebake a recipe while the block runs, for `by` (`runs.held_lock.hold`).

    Raises:
        ExecutedElsewhereError: another process does the rebake of the same `by`.
        RebakeInProgressError: somebody else holds it and is not provably dead.
        RunStoreError: the store failed.
    """
    what = f"the rebakes of {recipe.name} in {recipe.region}"
    place = LockPlace(key=f"{folder_of(recipe)}/lock.json", store=location, what=what)
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(place, seconds, by=by))
        except LockTakenError as error:
            holder = describe_holder(error.theirs)
            if error.theirs.is_held_by(by):
                raise ExecutedElsewhereError(
                    f"{holder} does this rebake of {recipe.name}. This process leaves it to that."
                ) from None
            raise RebakeInProgressError(
                f"another rebake of {recipe.name} in {recipe.region} is in progress: {holder}"
            ) from None
        yield
