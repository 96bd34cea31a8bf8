"""Removes the temporary resources of a run: undoes its steps, and looks for what is left.

It imports no Prefect. The flow `tear_down` undoes the steps as tasks; before Prefect is there, they
are undone here.
"""

import logging
from collections.abc import Callable

from flows import build_plan
from flows.failure import add_failure, format_error
from flows.recorded_step import RETRY_SECONDS, undo_recorded
from notebake import clock
from notebake.errors import NotebakeError, TearDownError, WaitTimeoutError, is_retryable
from notebake.images.run_image import record_what_stays
from notebake.resources.leftovers import describe_resource, find_leftovers
from notebake.runbook.step import Done, Step, carry_out
from notebake.runs.run import Run
from notebake.runs.secret_store import delete_secrets
from notebake.timeouts import REMOVAL_VISIBLE_SECONDS
from notebake.waiting import allow_waits, wait_until

log = logging.getLogger(__name__)
UndoGroup = Callable[[Run, tuple[Step, ...]], list[BaseException]]
"""Undoes the steps of a group, and returns what failed."""


def remove_all(run: Run, undo_group: UndoGroup, plan: build_plan.Plan) -> Done:
    """Undo the steps, newest first; after a failure continue with the next.

    Raises:
        TearDownError: a resource could not be removed, or still exists.
    """
    failures: list[BaseException] = []
    for group in build_plan.steps_to_undo(plan):
        failures += undo_group(run, group)
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


def tear_down_after(
    failure: Exception | KeyboardInterrupt,
    run: Run,
    tear_down: Step,
    *also: type[BaseException],
) -> None:
    """Tear down after a failure; if that fails, too, add its error to the first one.

    An interrupt of the tear-down, or another error of the types in `also`, is raised instead.
    """
    log.warning("Tearing down after the failure, as the recipe has on_failure: tear_down")
    allow_waits()
    reported: tuple[type[BaseException], ...] = (Exception, KeyboardInterrupt, *also)
    try:
        carry_out(tear_down, run)
    except reported as error:
        if not isinstance(error, Exception):
            error.add_note(f"Before that, the build failed: {format_error(failure)}")
            raise
        add_failure(failure, error, "The tear-down after this failure failed as well")


def undo_one_by_one(run: Run, group: tuple[Step, ...]) -> list[BaseException]:
    """Undo the steps of a group, each as often as its task would try it; return what failed."""
    failures: list[BaseException] = []
    for step in group:
        try:
            undo_retrying(run, step)
        except Exception as error:  # noqa: BLE001 - collected, and raised together
            failures.append(error)
    return failures


def undo_retrying(run: Run, step: Step) -> None:
    """Undo a step; try again after an error that may pass."""
    for pause_seconds in RETRY_SECONDS:
        try:
            undo_recorded(step, run)
            return
        except Exception as error:
            if not is_retryable(error):
                raise
            log.info("Trying again: %s", error)
            clock.pause(pause_seconds)
    undo_recorded(step, run)


TEAR_DOWN_WITHOUT_PREFECT = Step(
    *build_plan.TEAR_DOWN,
    lambda _: None,
    lambda run: remove_all(run, undo_one_by_one, build_plan.BUILD),
)
"""The tear-down before Prefect is there."""
