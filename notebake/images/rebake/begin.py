"""Begins a run as a rebake, with what its recipe gets besides what was written."""

import datetime
from collections.abc import Sequence

from notebake.images.rebake.mark import RebakeMark, keep_mark, written_digest
from notebake.images.rebake.start import Start
from notebake.recipe import Recipe
from notebake.runs import registry
from notebake.runs.flow_runs import choose_run_id
from notebake.runs.run import Run
from notebake.store.interface import RunStore

FROM_BASE = Start()


def begin_rebake(
    recipe: Recipe,
    recipe_path: str,
    store: RunStore,
    *,
    flow_run_id: str,
    reason: str,
    previous_run_id: str,
    held_back: Sequence[str] = (),
    start: Start = FROM_BASE,
) -> Run:
    """Begin the run of a flow run, and mark it as a rebake; may be repeated after a kill.

    `recipe` has its date already (`with_date`), and gets the time of the beginning, and the image
    before if it starts from that.

    Raises:
        RunStoreError: the store failed.
    """
    run_id = choose_run_id(flow_run_id, recipe, store)
    now = datetime.datetime.now(datetime.UTC)
    mark = RebakeMark(
        run_id=run_id,
        began=now,
        reason=reason,
        recipe_digest=written_digest(recipe),
        previous_run_id=previous_run_id,
        held_back=tuple(held_back),
        start=start.reason,
    )
    keep_mark(mark, recipe, store)
    if recipe.rebake:
        added = {"began": f"{now:%Y-%m-%dT%H:%M:%SZ}", "previous": start.previous}
        recipe = recipe.model_copy(update={"rebake": recipe.rebake.model_copy(update=added)})
    return registry.new_run(recipe, recipe_path, store, run_id=run_id, flow_run_id=flow_run_id)
