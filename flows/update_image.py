"""Bakes a newer image of a recipe if there is a reason to, as a flow for a schedule."""

import logging
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.approval import check_none_open
from flows.build_image import build
from flows.cancelled_build import show_cancelled
from flows.check_updates import keep_and_show
from flows.prefect_ui.flow_run_name import name_flow_run, name_without_run
from flows.prefect_ui.form import RecipeChoice, RecipePath, StoreLocation, chosen_path
from flows.prefect_ui.going_on import has_gone_on
from flows.prefect_ui.kept_log import keeping_log
from flows.prefect_ui.plain_ending import ending_plainly
from flows.prefect_ui.started_by import started_by
from flows.prefect_ui.unfinished import show_crashed
from flows.rebaked import describe_failures, end_rebakes, end_without, move_to, show_difference
from notebake import clock
from notebake.errors import NotebakeError
from notebake.images.rebake.begin import begin_rebake
from notebake.images.rebake.decision import decide
from notebake.images.rebake.holding import RebakeInProgressError, holding_rebake
from notebake.images.rebake.mark import count_failures
from notebake.images.rebake.start import choose_start
from notebake.images.updates.check import check_image
from notebake.images.updates.cooldown_date import with_date
from notebake.images.updates.current import find_current
from notebake.images.updates.held_back import list_held_back
from notebake.recipe import Recipe
from notebake.recipe.file import load_recipe
from notebake.runs.approvals.approval_log import ApprovalOpenError
from notebake.runs.flow_runs import open_flow_run, read_run_id
from notebake.runs.open_store import default_location, open_store
from notebake.runs.registry import has_begun
from notebake.runs.run import Run
from notebake.timestamps import utc_from_seconds
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)
ENDS: dict[object, str] = {
    "keep": "nothing to bake",
    "not known": "not decided",
    "stopped": "no more rebakes",
    RebakeInProgressError: "another rebake in progress",
    ApprovalOpenError: "waits for an answer",
}
"""What a flow run is called that bakes nothing, by how it ends."""


@flow(name="Update an image", on_cancellation=[show_cancelled], on_crashed=[show_crashed])
@ending_plainly
def update_image(
    recipe: RecipeChoice = "",
    recipe_path: RecipePath = "",
    promote: bool = False,
    store: StoreLocation = "",
) -> Any:
    """Check a recipe's newest image, and bake a newer one if the recipe's `rebake` has a reason to.

    If there is none, it ends with what was asked as evidence, without a machine. A rebake that
    fails leaves the image as it is, and goes on by Retry.

    Args:
        recipe: A recipe of the folder `deployments`.
        recipe_path: Path of any other recipe on the worker; it takes the place of `recipe`.
        promote: Make the new image the current one of the recipe, as soon as it is accepted.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        NotebakeError: the recipe is wrong, the run store failed, or the build did.
    """
    allow_waits()
    location, path = store or default_location(), str(chosen_path(recipe, recipe_path))
    wanted = load_recipe(Path(path))
    try:
        with holding_rebake(wanted, location, by=started_by().flow_run):
            run = find_begun(path, location) or decide_and_begin(wanted, path, location)
            return bake(run, path, promote=promote) if isinstance(run, Run) else run
    except (RebakeInProgressError, ApprovalOpenError) as error:
        log.info("%s", error.message)
        name_without_run(wanted, ENDS[type(error)])
        return Completed(message=error.message)


def find_begun(recipe_path: str, location: str) -> Run | None:
    """Return the run that this flow run has begun, if it is started again by Retry."""
    store, flow_run_id = open_store(location), str(flow_run.get_id())
    run_id = read_run_id(flow_run_id, store)
    if run_id is None or not has_begun(run_id, store):
        return None
    return open_flow_run(flow_run_id, recipe_path, store)


def decide_and_begin(recipe: Recipe, recipe_path: str, location: str) -> Run | State[Any]:
    """Check the newest image, and return a new run, or how to end without one.

    Raises:
        RunStoreError: the store failed.
    """
    now = utc_from_seconds(clock.now())
    current = find_current(recipe.name, recipe.region, location)
    dated = with_date(recipe, current, now)
    failures = count_failures(recipe, current, location)
    found = check_image(current, dated)
    kept_at = keep_and_show(found, location)
    decision = decide(found, recipe.rebake, now, failures)
    log.info("%s: %s", decision.outcome, decision.reason)
    if decision.outcome == "stopped":
        reason = end_rebakes(decision.reason, recipe, recipe_path)
        decision = decision.model_copy(update={"reason": reason})
    if decision.outcome != "rebake":
        name_without_run(recipe, ENDS[decision.outcome])
        return end_without(decision, found, kept_at)
    if "bake" in recipe.approve:
        check_none_open(recipe.name, recipe.region, location)
    start = choose_start(dated, found, current, open_store(location))
    if start.reason:
        log.info("The builder is launched %s", start.reason)
    return begin_rebake(
        dated,
        recipe_path,
        open_store(location),
        flow_run_id=str(flow_run.get_id()),
        reason=decision.reason,
        previous_run_id=current.run_id if current else "",
        held_back=list_held_back(found.findings),
        start=start,
    )


def bake(run: Run, recipe_path: str, *, promote: bool) -> State[Any]:
    """Build the image of a run, show what differs, and move the pointer if that is wanted.

    After the last of too many failures in a row it switches off the schedules that start it.

    Raises:
        NotebakeError: the build failed, or the pointer could not be moved.
    """
    name_flow_run(run)
    with keeping_log(run):
        try:
            state = build(run)
        except NotebakeError as error:
            if reason := describe_failures(run):
                ended = end_rebakes(reason, run.recipe, recipe_path)
                error.hint = "\n".join(filter(None, (error.hint, ended)))
            raise
        sentence = f"{state.data} accepted, {show_difference(run)}"
        if promote:
            sentence += move_to(run)
        message = "; ".join(filter(None, (sentence, has_gone_on())))
        return Completed(message=message, data=state.data)
