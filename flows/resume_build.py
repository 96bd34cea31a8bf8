"""Continues a run in a flow run of its own: after another one failed, or again from a step."""

from typing import Any

from prefect import flow

from flows.build_image import build, open_run
from flows.cancelled_build import show_cancelled
from flows.prefect_ui.flow_run_name import name_flow_run
from flows.prefect_ui.form import RecipeChoice, RecipePath, RunId, StepChoice, StoreLocation
from flows.prefect_ui.kept_log import keeping_log
from flows.prefect_ui.plain_ending import ending_plainly
from flows.prefect_ui.unfinished import show_crashed
from flows.rewind import rewind
from notebake.waiting import allow_waits


@flow(name="Resume a build", on_cancellation=[show_cancelled], on_crashed=[show_crashed])
@ending_plainly
def resume_build(
    run_id: RunId,
    from_step: StepChoice = "",
    recipe: RecipeChoice = "",
    recipe_path: RecipePath = "",
    store: StoreLocation = "",
) -> Any:
    """Continue a run, and return the id of its image.

    Args:
        run_id: The run to continue, as its flow run is named.
        from_step: Do this step again, and all that follow it; empty: only what is not done yet.
        recipe: A corrected recipe of the folder `deployments`; empty: the recipe that the run has.
        recipe_path: Path of any other recipe on the worker; it takes the place of `recipe`.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        RunLockedError: the run is being executed.
        NotebakeError: there is no such run or step, or its image is accepted already.
    """
    allow_waits()
    run = open_run(recipe_path or recipe, run_id, store, must_exist=True)
    name_flow_run(run)
    with keeping_log(run):
        if from_step:
            rewind(run, from_step)
        return build(run)
