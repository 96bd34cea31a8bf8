"""Builds an image from a recipe, as a Prefect flow."""

import logging
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx
from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException, TerminationSignal
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.build_plan import BUILD, Plan
from flows.failure import add_failure, format_error, join_failures, reporting_failures
from flows.kept_log import keeping_log
from flows.made_image import artifact_key, describe_image, describe_in_markdown
from flows.prefect_logs import show_logs_in_prefect
from flows.started_by import started_by
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
from notebake.runs.executing import executing
from notebake.runs.flow_runs import open_flow_run
from notebake.runs.lock import RunLostError
from notebake.runs.open_store import default_location, open_store
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.run import Run
from notebake.runs.summaries import has_run
from notebake.waiting import allow_waits, interrupting_waits

log = logging.getLogger(__name__)


def run_name() -> str:
    """Return the name of the flow run: the run that it executes, or the recipe of a new run."""
    given = flow_run.get_parameters() or {}
    return str(given.get("run_id") or f"build {Path(str(given.get('recipe'))).stem}")


@flow(name="Build an image", flow_run_name=run_name)
def build_image(recipe: str = "", run_id: str = "", store: str = "") -> Any:
    """Build the image of a recipe, prove it, and return its id.

    With the same run id, or after Retry in Prefect, it continues where it stopped.

    Args:
        recipe: Path of the recipe; a changed recipe replaces the stored one. Empty: the stored one.
        run_id: The run to continue; empty: a new run, or the one of this flow run.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.
    """
    show_logs_in_prefect()
    allow_waits()
    run = open_run(recipe, run_id, store)
    with keeping_log(run):
        return build(run)


def build(run: Run) -> State[str]:
    """Execute a run; the message of the state says what it made."""
    log.info("This is run %s", run.id)
    with (
        reporting_failures(run, TerminationSignal),
        executing(run, started_by()),
        renewing(run),
    ):
        warn_of_expiry(run)
        try:
            retry_when_lost(lambda: carry_out_all(run))
        except (RunLostError, WrongAccountError):
            raise
        except Exception as error:
            if run.recipe.on_failure == "tear_down":
                tear_down_after(error, run)
            raise
        carry_out(TEAR_DOWN, run)
        image = current_image(run)
    if image is None:
        raise ImageNotAcceptedError(f"The image of run {run.id} is gone.")
    return Completed(message=show_outcome(run, image), data=image.id)


def show_outcome(run: Run, image: Image) -> str:
    """Make the report an artifact of the flow run, and return the outcome in one line.

    Whatever fails here, the image is there: so nothing is raised.
    """
    try:
        if outcome := read_outcome(run):
            summary = read_recorded_run(run.id, run.store).summary
            sentence = describe_image(run, outcome, summary)
            text = "\n".join(describe_in_markdown(run, outcome, summary, sentence))
            create_markdown_artifact(text, key=artifact_key(run), description=sentence)
            return sentence
    except (NotebakeError, PrefectException, httpx.HTTPError) as error:
        log.warning("What was made could not be shown in Prefect: %s", error)
    return f"{image.id} accepted"


def tear_down_after(failure: Exception, run: Run) -> None:
    """Tear down after a failure; if that fails, too, add its error to the first one."""
    log.warning("Tearing down after the failure, as the recipe has on_failure: tear_down")
    try:
        carry_out(TEAR_DOWN, run)
    except (Exception, KeyboardInterrupt, TerminationSignal) as error:
        if not isinstance(error, Exception):
            error.add_note(f"Before that, the build failed: {format_error(failure)}")
            raise
        add_failure(failure, error, "The tear-down after this failure failed as well")


def open_run(recipe: str, run_id: str, store: str) -> Run:
    """Return the run to execute: an existing run with the current recipe, or a new one.

    Retry in Prefect finds the run by its flow run, if the UI or a schedule started it.
    """
    run_store = open_store(store or default_location())
    flow_run_id = str(flow_run.get_id() or "")
    if not run_id and flow_run_id:
        return open_flow_run(flow_run_id, recipe, run_store)
    if recipe and not (run_id and has_run(run_id, run_store)):
        return registry.new_run(load_recipe(Path(recipe)), recipe, run_store, run_id=run_id)
    run = registry.load_run(run_id, run_store)
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
            if ready and not failures:
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
    if failures:
        raise join_failures(failures)


def wait_for_ended(ended: SimpleQueue[PrefectFuture[object]]) -> Iterator[PrefectFuture[object]]:
    """Wait for a task to end; yield it and all others that have ended by then."""
    yield ended.get()
    while not ended.empty():
        yield ended.get()
