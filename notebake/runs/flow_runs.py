"""Which run a flow run of Prefect's executes: its Retry, and whoever starts it beside, find it.

Kept in the run store under the flow run's whole id. A part of it names nothing: those of scheduled
flow runs are UUIDs of version 7, which begin with the time.
"""

import datetime
from pathlib import Path

from notebake.errors import RecipeError, RunStoreError
from notebake.recipe import Recipe
from notebake.recipe.file import load_recipe
from notebake.record import Record
from notebake.runs import registry
from notebake.runs.run import Run
from notebake.runs.summaries import has_run
from notebake.store.interface import RunStore

FOLDER = "flow-runs"


class FlowRun(Record):
    """What is kept of a flow run."""

    run_id: str


def open_run_of(flow_run_id: str, recipe_path: str, store: RunStore) -> Run:
    """Return the run of a flow run, begun if it has none; its recipe is taken up as it is now.

    However many start the same flow run at once, they come to the same run.

    Raises:
        RecipeError: it has none, and there is no recipe for a new one.
    """
    run_id = read_run_id(flow_run_id, store)
    if not recipe_path:
        if run_id is None:
            raise RecipeError("Neither a recipe nor a run was given.", "Give one of the two.")
        return registry.load_run(run_id, store)
    recipe = load_recipe(Path(recipe_path))
    run_id = run_id or choose_run_id(flow_run_id, recipe, store)
    if not has_run(run_id, store):
        try:
            return registry.new_run(
                recipe, recipe_path, store, run_id=run_id, flow_run_id=flow_run_id
            )
        except RunStoreError:
            # Whoever started the same flow run has begun it in between.
            if not has_run(run_id, store):
                raise
    return registry.adopt_recipe(registry.load_run(run_id, store), recipe)


def read_run_id(flow_run_id: str, store: RunStore) -> str | None:
    """Return the id of a flow run's run, whether it has been begun or only named."""
    stored = store.read(_key(flow_run_id))
    return FlowRun.model_validate_json(stored.content).run_id if stored else None


def choose_run_id(flow_run_id: str, recipe: Recipe, store: RunStore) -> str:
    """Return the id that was chosen first for a flow run's run, now or by somebody else."""
    chosen = FlowRun(run_id=registry.make_run_id(recipe, datetime.datetime.now(datetime.UTC)))
    store.create(_key(flow_run_id), chosen.model_dump_json().encode())
    kept = read_run_id(flow_run_id, store)
    if kept is None:
        raise RunStoreError(f"{store.where(_key(flow_run_id))} was written and is gone.")
    return kept


def _key(flow_run_id: str) -> str:
    return f"{FOLDER}/{flow_run_id}.json"
