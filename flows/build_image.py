"""Builds an image from a recipe, as a Prefect flow."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx
from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause, PrefectException, TerminationSignal
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.approval import ask, refusal_of
from flows.approval_text import describe_answer
from flows.approved_build import Result, approved_bake, approved_share
from flows.build_plan import BUILD, Plan
from flows.cancelled_build import show_cancelled
from flows.failure import join_failures, reporting_failures
from flows.head_start import going_on
from flows.prefect_ui.flow_run_name import name_flow_run
from flows.prefect_ui.form import OptionalRunId, RecipeChoice, RecipePath, StoreLocation
from flows.prefect_ui.going_on import has_gone_on
from flows.prefect_ui.kept_log import keeping_log
from flows.prefect_ui.made_image import artifact_key, describe_image, describe_in_markdown
from flows.prefect_ui.plain_ending import ending_plainly
from flows.prefect_ui.started_by import started_by
from flows.prefect_ui.unfinished import deleted_error, end_paused, show_crashed, show_failure
from flows.prefect_ui.watching import Watch, watching_flow_run
from flows.remove_all import tear_down_after
from flows.step_task import as_task, failure_of
from flows.tear_down import TEAR_DOWN
from notebake.acceptance.outcome import read_outcome
from notebake.aws.model import Image
from notebake.errors import ImageNotAcceptedError, NotebakeError, WrongAccountError
from notebake.images.image_state import current_image
from notebake.machines.renewal import renewing
from notebake.preflight.account import warn_of_expiry
from notebake.recipe.file import load_recipe
from notebake.runbook.step import Step, carry_out, retry_when_lost
from notebake.runs import registry
from notebake.runs.flow_runs import open_flow_run
from notebake.runs.lock import ExecutedElsewhereError, RunLostError
from notebake.runs.open_store import default_location, open_store
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.run import Run
from notebake.waiting import (
    allow_waits,
    check_not_interrupted,
    interrupt_waits,
    interrupting_waits,
    is_interrupted,
)

log = logging.getLogger(__name__)


@flow(name="Build an image", on_cancellation=[show_cancelled], on_crashed=[show_crashed])
@ending_plainly
def build_image(
    recipe: RecipeChoice = "",
    recipe_path: RecipePath = "",
    run_id: OptionalRunId = "",
    store: StoreLocation = "",
) -> Any:
    """Build the image of a recipe, prove it, and return its id.

    With the same run id, or after Retry in Prefect, it continues where it stopped.

    Args:
        recipe: A recipe of the folder `deployments`; for a run that goes on, its changed recipe.
        recipe_path: Path of any other recipe on the worker; it takes the place of `recipe`.
        run_id: A run to continue, in place of a new one; without a recipe it keeps its own.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.
    """
    allow_waits()
    run = open_run(recipe_path or recipe, run_id, store)
    name_flow_run(run)
    with keeping_log(run):
        return build(run)


def build(run: Run) -> State[str]:
    """Execute a run; the message of the state says what it made.

    What the recipe wants to be approved is asked for while nothing of the run is executed.

    Raises:
        Pause: the flow run waits for an approval, or was paused in Prefect's UI; nothing runs.
        ExecutedElsewhereError: another process executes this flow run.
        NotebakeError: a step failed, or the flow run was deleted in Prefect's UI.
        ApprovalRefusedError: a person did not want the bake; nothing is left.
        ApprovalWantedError: nobody has answered, and it was not started in Prefect's UI.
    """
    gone_on = has_gone_on()
    log.info("This is run %s%s", run.id, f". It {gone_on}." if gone_on else "")
    while (made := execute_watched(run)).wanted:
        with showing_failure(run):
            ask(made.wanted)
    if made.image is None:
        with showing_failure(run):
            raise refusal_of(made.refused, run.store)
    sentence = show_outcome(run, made.image, gone_on)
    if made.refused:
        sentence += f"; not shared: {describe_answer(made.refused, run.store)}"
    return Completed(message=sentence, data=made.image.id)


@contextmanager
def showing_failure(run: Run) -> Iterator[None]:
    """Make an error of the block the newest version of the run's artifact."""
    try:
        yield
    except NotebakeError as error:
        show_failure(run, error)
        raise


def execute_watched(run: Run) -> Result:
    """Execute a run, and end it if its flow run is paused or deleted in Prefect's UI."""
    with watching_flow_run() as watch:
        try:
            return execute(run, watch)
        except (Exception, Pause) as error:
            if watch.is_paused or isinstance(error, Pause):
                end_paused(run)
            if watch.is_deleted:
                raise deleted_error(run) from error
            if isinstance(error, NotebakeError) and not isinstance(error, ExecutedElsewhereError):
                show_failure(run, error)
            raise


def execute(run: Run, watch: Watch) -> Result:
    """Carry out the steps and the tear-down, up to what has to be approved first."""
    with (
        reporting_failures(run, TerminationSignal, unless=lambda: bool(watch.found)),
        going_on(run, started_by),
        # The tear-down ends what is renewed, so the renewal ends before it.
        ExitStack() as renewal,
    ):
        renewal.enter_context(renewing(run))
        warn_of_expiry(run)
        if stopped := approved_bake(run, carry_out_all):
            return stopped
        try:
            retry_when_lost(lambda: carry_out_all(run))
        except (RunLostError, WrongAccountError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if run.recipe.on_failure == "tear_down" and not watch.is_paused:
                renewal.close()
                tear_down_after(error, run, TEAR_DOWN, TerminationSignal)
            raise
        renewal.close()
        carry_out(TEAR_DOWN, run)
        image = current_image(run)
        if image is None:
            raise ImageNotAcceptedError(f"The image of run {run.id} is gone.")
        return approved_share(run, image, carry_out_all)


def show_outcome(run: Run, image: Image, gone_on: str = "") -> str:
    """Make the report an artifact of the flow run, and return the outcome in one line.

    Whatever fails here, the image is there: so nothing is raised. `gone_on` tells that the flow run
    was started again by itself.
    """
    try:
        if outcome := read_outcome(run):
            summary = read_recorded_run(run.id, run.store).summary
            image_sentence = describe_image(run, outcome, summary)
            sentence = "; ".join(filter(None, (image_sentence, gone_on)))
            text = "\n".join(describe_in_markdown(run, outcome, summary, sentence))
            create_markdown_artifact(text, key=artifact_key(run), description=sentence)
            return sentence
    except (NotebakeError, PrefectException, httpx.HTTPError) as error:
        log.warning("What was made could not be shown in Prefect: %s", error)
    return f"{image.id} accepted"


def open_run(recipe: str, run_id: str, store: str, *, must_exist: bool = False) -> Run:
    """Return the run to execute: an existing run with the current recipe, or a new one.

    Retry in Prefect finds the run by its flow run, if the UI or a schedule started it.

    Raises:
        RecipeError: there is neither a run nor a recipe for a new one, or the recipe is invalid.
        RunStoreError: there is no such run, and no recipe for it or it must exist.
    """
    run_store = open_store(store or default_location())
    flow_run_id = str(flow_run.get_id() or "")
    if not run_id and flow_run_id:
        return open_flow_run(flow_run_id, recipe, run_store)
    if recipe and not must_exist and not (run_id and registry.has_begun(run_id, run_store)):
        return registry.new_run(load_recipe(Path(recipe)), recipe, run_store, run_id=run_id)
    run = registry.load_begun_run(run_id, run_store, recipe)
    return registry.update_recipe(run, load_recipe(Path(recipe))) if recipe else run


def carry_out_all(run: Run, plan: Plan = BUILD) -> None:
    """Carry out the steps, each as soon as its predecessors are done.

    After a failure no other step is started. When the running steps have ended, the first failure
    is raised, with the others added (`join_failures`).
    """
    started: set[Step] = set()
    done: set[Step] = set()
    running: dict[PrefectFuture[object], Step] = {}
    ended: SimpleQueue[PrefectFuture[object]] = SimpleQueue()
    failures: list[tuple[str, BaseException]] = []
    with interrupting_waits():
        while True:
            ready = [step for step in plan if step not in started and done.issuperset(plan[step])]
            if ready and not failures and not is_interrupted():
                started.update(ready)
                for step in ready:
                    future = as_task(step).submit(run)
                    running[future] = step
                    future.add_done_callback(ended.put)
            if not running:
                break
            for future in wait_for_ended(ended):
                step, failure = running.pop(future), failure_of(future)
                done |= set() if failure else {step}
                failures += [(step.title, failure)] if failure else []
                if isinstance(failure, Pause):
                    interrupt_waits()
    if failures:
        raise join_failures(failures)
    check_not_interrupted()


def wait_for_ended(ended: SimpleQueue[PrefectFuture[object]]) -> Iterator[PrefectFuture[object]]:
    """Wait for a task to end; yield it and all others that have ended by then."""
    yield ended.get()
    while not ended.empty():
        yield ended.get()
