"""Of one recipe in one region at most one rebake is under way."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from notebake.errors import NotebakeError
from notebake.images.rebake.mark import folder_of
from notebake.recipe import Recipe
from notebake.runs.held_lock import LockTakenError, describe_holder, hold
from notebake.runs.lock_record import LockPlace
from notebake.timeouts import RUN_LOCK_SECONDS


class RebakeInProgressError(NotebakeError):
    """Another rebake of the recipe is under way. Nothing was begun."""


@contextmanager
def holding_rebake(
    recipe: Recipe, location: str, *, seconds: float = RUN_LOCK_SECONDS
) -> Iterator[None]:
    """Hold the right to rebake a recipe while the block runs.

    Raises:
        RebakeInProgressError: somebody else holds it and is not provably dead.
        RunStoreError: the store failed.
    """
    what = f"the rebakes of {recipe.name} in {recipe.region}"
    place = LockPlace(key=f"{folder_of(recipe)}/lock.json", store=location, what=what)
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(place, seconds))
        except LockTakenError as error:
            raise RebakeInProgressError(
                f"another rebake of {recipe.name} in {recipe.region} is in progress:"
                f" {describe_holder(error.theirs)}"
            ) from None
        yield
