"""Removes the temporary resources of a run, as a Prefect flow: each step is undone as a task."""

from typing import Any

from prefect import flow
from prefect.exceptions import TerminationSignal
from prefect.futures import wait
from prefect.states import Completed

from flows import build_plan
from flows import remove_all as removing
from flows.failure import reporting_failures
from flows.prefect_ui.flow_run_name import name_flow_run
from flows.prefect_ui.form import RunId, StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from flows.prefect_ui.started_by import started_by
from flows.prefect_ui.unfinished import show_cancelled_removal, show_crashed
from flows.step_task import as_undo_task, failure_of
from notebake.runbook.step import Done, Step, carry_out
from notebake.runs.executing import executing
from notebake.runs.open_store import default_location, open_store
from notebake.runs.registry import load_run
from notebake.runs.run import Run
from notebake.waiting import allow_waits


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
    """Undo the steps as tasks, newest first; after a failure continue with the next."""
    return removing.remove_all(run, undo_at_once, plan)


def undo_at_once(run: Run, group: tuple[Step, ...]) -> list[BaseException]:
    """Undo the steps of a group, all at once, and return what failed."""
    futures = [as_undo_task(step).submit(run) for step in group]
    wait(futures)
    return [failure for failure in map(failure_of, futures) if failure]


TEAR_DOWN = Step(*build_plan.TEAR_DOWN, lambda _: None, remove_all)
