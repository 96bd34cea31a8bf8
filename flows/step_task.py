"""Wraps a step as a Prefect task, which Prefect shows under the title of the step."""

import functools
import time
from contextlib import nullcontext
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import Pause
from prefect.futures import PrefectFuture
from prefect.states import Completed

from flows.failure import add_failure
from notebake.aws.execution import check_run_lock, leave_execution
from notebake.errors import NotebakeError, RunStoreError, is_retryable
from notebake.runbook.step import Step, carry_out, describe
from notebake.runs import events
from notebake.runs.run import Run

RETRIES = 2
RETRY_SECONDS = [2.0, 10.0]


@functools.cache
def as_task(step: Step) -> Task[[Run], object]:
    """Return the task that finds or makes the step's product."""

    def make(run: Run) -> Any:
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
        if outcome.was_there:
            return Completed(name="Already done", message=describe(outcome.result))
        return Completed(message=describe(outcome.result))

    return _task(step, make, step.title)


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


@functools.cache
def as_undo_task(step: Step) -> Task[[Run], object]:
    """Return the task that removes the step's product."""
    undo = step.undo
    if undo is None:
        raise ValueError(f"{step.name} has nothing to undo")

    def remove(run: Run) -> None:
        check_run_lock()
        began = time.monotonic()
        undo(run)
        events.record_outcome(run, step.name, "undone", seconds=time.monotonic() - began)

    return _task(step, remove, f"Undo: {step.title}")


def _task(step: Step, work: Any, title: str) -> Task[[Run], object]:
    """Return a task that retries transient failures and caches no result."""
    work.__name__ = step.name
    work.__doc__ = step.title
    return Task(
        work,
        name=title,
        task_run_name=title,
        retries=RETRIES,
        retry_delay_seconds=RETRY_SECONDS,
        retry_condition_fn=is_transient,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Return whether a retry of the failed task may succeed."""
    return is_retryable(state.data)


def failure_of(future: PrefectFuture[object]) -> BaseException | None:
    """Return the error of a task that has ended; None if it succeeded."""
    try:
        future.result()
    except (Exception, Pause) as error:  # noqa: BLE001 - the caller raises it
        return error
    return None
