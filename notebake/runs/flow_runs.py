"""Which run a Prefect flow run executes, so that Prefect's Retry resumes the same run.

It is stored under the whole flow run id. A part of the id is not unique: scheduled flow runs have
UUIDs of version 7, which start with the time.
"""

import datetime
from pathlib import Path

from notebake.errors import RecipeError, RunStoreError
from notebake.recipe import Recipe
from notebake.recipe.file import load_recipe
from notebake.record import Record
from notebake.runs import registry
from notebake.runs.reserved_ids import FLOW_RUNS
from notebake.runs.run import Run
from notebake.runs.run_id import make_run_id
from notebake.store.interface import RunStore


class FlowRun(Record):
    """The stored record of a flow run."""

    run_id: str


def open_flow_run(flow_run_id: str, recipe_path: str, store: RunStore) -> Run:
    """Return the run of a flow run with the current recipe; begin the run if there is none.

    If several processes start the same flow run at once, all get the same run.

    Raises:
        RecipeError: there is neither a run nor a recipe for a new one.
    """
    run_id = read_run_id(flow_run_id, store)
    if not recipe_path:
        if run_id is None:
            raise RecipeError("Neither a recipe nor a run was given.", "Give one of the two.")
        return registry.load_begun_run(run_id, store, flow_run_id=flow_run_id)
    recipe = load_recipe(Path(recipe_path))
    run_id = run_id or choose_run_id(flow_run_id, recipe, store)
    if not registry.has_begun(run_id, store):
        try:
            return registry.new_run(
                recipe, recipe_path, store, run_id=run_id, flow_run_id=flow_run_id
            )
        except RunStoreError:
            # Another process that started the same flow run may have begun it meanwhile.
            if not registry.has_begun(run_id, store):
                raise
    return registry.update_recipe(registry.load_run(run_id, store), recipe)


def read_run_id(flow_run_id: str, store: RunStore) -> str | None:
    """Return the run id of a flow run, whether the run has begun or not."""
    stored = store.read(_key(flow_run_id))
    return FlowRun.model_validate_json(stored.content).run_id if stored else None


def choose_run_id(flow_run_id: str, recipe: Recipe, store: RunStore) -> str:
    """Record a new run id for the flow run unless it has one; return the recorded id."""
    chosen = FlowRun(run_id=make_run_id(recipe.name, datetime.datetime.now(datetime.UTC)))
    store.create(_key(flow_run_id), chosen.model_dump_json().encode())
    recorded = read_run_id(flow_run_id, store)
    if recorded is None:
        raise RunStoreError(f"{store.where(_key(flow_run_id))} was written and has disappeared.")
    return recorded


def _key(flow_run_id: str) -> str:
    return f"{FLOW_RUNS}/{flow_run_id}.json"
