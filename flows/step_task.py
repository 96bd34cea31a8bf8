"""Wraps a step as a Prefect task, which Prefect shows under the title of the step."""

import functools
import logging
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import Pause
from prefect.futures import PrefectFuture
from prefect.states import Completed

from flows.head_start import find_early
from flows.recorded_step import RETRIES, RETRY_SECONDS, carry_out_recorded, undo_recorded
from notebake.errors import is_retryable
from notebake.runbook.step import Step, describe
from notebake.runs.run import Run

log = logging.getLogger(__name__)


@functools.cache
def as_task(step: Step) -> Task[[Run], object]:
    """Return the task that finds or makes the step's product."""

    def make(run: Run) -> Any:
        if early := find_early(step, run):
            log.info("Already done: %s", early)
            return Completed(name="Already done", message=early)
        outcome = carry_out_recorded(step, run)
        if outcome.was_there:
            return Completed(name="Already done", message=describe(outcome.result))
        return Completed(message=describe(outcome.result))

    return _task(step, make, step.title)


@functools.cache
def as_undo_task(step: Step) -> Task[[Run], object]:
    """Return the task that removes the step's product."""
    if step.undo is None:
        raise ValueError(f"{step.name} has nothing to undo")

    def remove(run: Run) -> None:
        undo_recorded(step, run)

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
