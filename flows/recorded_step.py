"""Carries out a step and records its outcome in the ledger; imports no Prefect."""

import time
from contextlib import nullcontext

from flows.failure import add_failure
from notebake.aws.execution import check_run_lock, leave_execution
from notebake.errors import NotebakeError, RunStoreError
from notebake.runbook.step import Outcome, Step, carry_out, describe
from notebake.runs import events
from notebake.runs.run import Run

RETRIES = 2
RETRY_SECONDS = [2.0, 10.0]
"""How often a step is tried again after an error that may pass, and after which pauses."""


def carry_out_recorded(step: Step, run: Run) -> Outcome:
    """Find or make a step's product; its outcome is in the ledger when this returns.

    Raises:
        RunLostError: another execution has taken the run lock.
        NotebakeError: the step failed, which is in the ledger, too.
    """
    check_run_lock()
    began = time.monotonic()
    try:
        outcome = carry_out(step, run)
    except NotebakeError as error:
        record_failure(run, step, error, time.monotonic() - began)
        raise
    events.record_outcome(
        run,
        step.name,
        "found" if outcome.was_there else "done",
        seconds=outcome.seconds,
        detail={"result": describe(outcome.result)},
    )
    return outcome


def undo_recorded(step: Step, run: Run) -> None:
    """Remove what a step has made, if it can be undone; the ledger has it when this returns.

    Raises:
        RunLostError: another execution has taken the run lock.
        NotebakeError: it could not be removed.
    """
    if step.undo is None:
        raise ValueError(f"{step.name} has nothing to undo")
    check_run_lock()
    began = time.monotonic()
    step.undo(run)
    events.record_outcome(run, step.name, "undone", seconds=time.monotonic() - began)


def record_failure(run: Run, step: Step, error: NotebakeError, seconds: float) -> None:
    """Record that a step failed; if the run store fails as well, its error is added to the first.

    A store that has just failed was waited for, and is not waited for again.
    """
    with leave_execution() if isinstance(error, RunStoreError) else nullcontext():
        try:
            detail = {"message": error.message}
            events.record_outcome(run, step.name, "failed", seconds=seconds, detail=detail)
        except RunStoreError as second:
            add_failure(error, second, "That could not be recorded either")
