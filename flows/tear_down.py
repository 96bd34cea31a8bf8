"""Removes the temporary resources of a run: undoes all steps, and reports what remains."""

from typing import Any

from prefect import flow
from prefect.exceptions import TerminationSignal
from prefect.futures import wait
from prefect.states import Completed

from flows import build_plan
from flows.failure import format_error, reporting_failures
from flows.prefect_ui.flow_run_name import name_flow_run
from flows.prefect_ui.form import RunId, StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from flows.prefect_ui.started_by import started_by
from flows.prefect_ui.unfinished import show_cancelled_removal, show_crashed
from flows.step_task import as_undo_task, failure_of
from notebake.errors import NotebakeError, TearDownError, WaitTimeoutError
from notebake.images.run_image import record_what_stays
from notebake.resources.leftovers import describe_resource, find_leftovers
from notebake.runbook.step import Done, Step, carry_out
from notebake.runs.executing import executing
from notebake.runs.open_store import default_location, open_store
from notebake.runs.registry import load_run
from notebake.runs.run import Run
from notebake.runs.secret_store import delete_secrets
from notebake.timeouts import REMOVAL_VISIBLE_SECONDS
from notebake.waiting import allow_waits, wait_until


@flow(name="Tear down", on_crashed=[show_crashed], on_cancellation=[show_cancelled_removal])
@ending_plainly
def tear_down(run_id: RunId, store: StoreLocation = "") -> Any:
    """Undo every step of a run and check that nothing is left. An accepted image stays.

    Args:
        run_id: The run of which all that is temporary is removed, as its flow run is named.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        RunLockedError: the run is being executed.
        WrongAccountError: the credentials belong to another account than the run.
        TearDownError: a resource could not be removed, or still exists.
    """
    allow_waits()
    run = load_run(run_id, open_store(store or default_location()))
    name_flow_run(run, prefix="tear down ")
    with reporting_failures(run, TerminationSignal), executing(run, started_by()):
        carry_out(TEAR_DOWN, run)
    return Completed(message=f"Nothing temporary is left of run {run.id}.")


def remove_all(run: Run, plan: build_plan.Plan = build_plan.BUILD) -> Done:
    """Undo the steps, newest first; after a failure continue with the next."""
    failures: list[BaseException] = []
    for group in build_plan.steps_to_undo(plan):
        futures = [as_undo_task(step).submit(run) for step in group]
        wait(futures)
        failures += filter(None, map(failure_of, futures))
    timeout_seconds = 0 if failures else REMOVAL_VISIBLE_SECONDS
    remaining = wait_for_removal(run, timeout_seconds=timeout_seconds)
    if not failures and not remaining:
        try:
            delete_secrets(run)
            record_what_stays(run)
            return Done(digest=run.id, detail="nothing temporary is left")
        except NotebakeError as error:
            failures.append(error)
    messages = tuple(dict.fromkeys(map(format_error, failures)))
    raise TearDownError(run.id, tuple(remaining), messages)


def wait_for_removal(run: Run, *, timeout_seconds: float) -> list[str]:
    """Return the resources of the run that EC2 still shows at the timeout."""
    shown: list[str] = []

    def is_clean() -> bool | None:
        shown[:] = map(describe_resource, find_leftovers(run))
        return None if shown else True

    try:
        wait_until(is_clean, what="EC2 to show that all is gone", timeout_seconds=timeout_seconds)
    except WaitTimeoutError:
        pass
    except NotebakeError as error:
        shown.append(f"resources that could not be listed ({error.message})")
    return shown


TEAR_DOWN = Step(*build_plan.TEAR_DOWN, lambda _: None, remove_all)
