"""A step as a Prefect task: the same for all, so that each shows up under its own title."""

import functools
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.states import Completed

from notebake.errors import NotebakeError, is_retryable
from notebake.execution import check_run_lock
from notebake.runbook.step import Step, carry_out, describe
from notebake.runs import events
from notebake.runs.run import Run

RETRIES = 2
RETRY_SECONDS = [2.0, 10.0]


@functools.cache
def as_task(step: Step) -> Task[[Run], object]:
    """Return the task that finds or makes what the step gives."""

    def make(run: Run) -> Any:
        check_run_lock()
        try:
            outcome = carry_out(step, run)
        except NotebakeError as error:
            events.record_outcome(run, step.name, "failed", detail={"message": error.message})
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


@functools.cache
def as_undo_task(step: Step) -> Task[[Run], object]:
    """Return the task that removes what the step made."""
    undo = step.undo
    if undo is None:
        raise ValueError(f"{step.name} has nothing to undo")

    def remove(run: Run) -> None:
        check_run_lock()
        undo(run)
        events.record_outcome(run, step.name, "undone")

    return _task(step, remove, f"Undo: {step.title}")


def _task(step: Step, work: Any, title: str) -> Task[[Run], object]:
    """Return a task with retries for what passes by itself, and without any result cache."""
    work.__name__ = step.name
    work.__doc__ = step.title
    return Task(
        work,
        name=title,
        task_run_name=title,
        retries=RETRIES,
        retry_delay_seconds=RETRY_SECONDS,
        retry_condition_fn=may_pass,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Tell whether a failure may pass by itself."""
    return is_retryable(state.data)


def failure_of(future: PrefectFuture[object]) -> BaseException | None:
    """Return what a task that has ended failed with; None where it did not fail."""
    try:
        future.result()
    except Exception as error:  # noqa: BLE001 - the caller raises it
        return error
    return None
