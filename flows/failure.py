"""Errors with a report of what is left of the run, and errors that combine several failures.

The command line prints them. A flow that was started in Prefect's UI has them in its log and state.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from flows.next_steps import describe_advice, is_read_in_ui
from notebake.errors import (
    Advice,
    NextCommand,
    NotebakeError,
    ResourceLostError,
    WrongAccountError,
    next_commands_of,
)
from notebake.runs.lock import ExecutedElsewhereError
from notebake.runs.run import Run

log = logging.getLogger(__name__)
REPORT_ATTRIBUTE = "notebake_failure_report"
"""The attribute of an error that contains its report of what is left."""


@contextmanager
def reporting_failures(
    run: Run, *also: type[BaseException], unless: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Add to any error of the block what is left of the run and what that costs, once.

    It applies to exceptions, interrupts and the types in `also`. A flow that ends with an exception
    in Prefect's UI logs the report there at its end. Nothing is added where `unless` holds.
    """
    reported: tuple[type[BaseException], ...] = (Exception, KeyboardInterrupt, *also)
    try:
        yield
    except reported as error:
        if not (unless() or isinstance(error, ExecutedElsewhereError)):
            add_report(run, error)
        raise


def add_report(run: Run, error: BaseException) -> None:
    """Add a report of what is left of the run to an error, unless it has one."""
    if hasattr(error, REPORT_ATTRIBUTE):
        return
    report: Advice | None = getattr(error.__cause__, REPORT_ATTRIBUTE, None)
    if not report:
        report = make_report(run, error)
        if not (is_read_in_ui() and isinstance(error, NotebakeError)):
            log.error("%s", describe_advice(report), extra={"event": "reported"})
    setattr(error, REPORT_ATTRIBUTE, report)
    if isinstance(error, NotebakeError):
        error.hint = "\n".join(filter(None, (error.hint, report.text)))
        error.with_next(*report.next_commands)
    else:
        error.add_note(report.text)
        vars(error)["next_commands"] = (*next_commands_of(error), *report.next_commands)


def make_report(run: Run, error: BaseException | None = None) -> Advice:
    """Return what a failed run leaves, and what to type next; a failure here hides no error."""
    commands: tuple[NextCommand, ...] = ()
    try:
        from notebake.machines.failure_report import commands_after_failure, failure_report

        commands = commands_after_failure(run)
        if isinstance(error, WrongAccountError):
            return Advice(
                "With other credentials, what is left of the run can be listed:", commands
            )
        return failure_report(run)
    except (Exception, KeyboardInterrupt) as other:  # noqa: BLE001 - the report is secondary
        reason = format_error(other)
        return Advice(f"What is left of run {run.id} could not be determined: {reason}", commands)


def join_failures(failures: Sequence[tuple[str, BaseException]]) -> BaseException:
    """Return the error to raise for steps that failed concurrently, each with its step's title.

    A lost machine takes precedence, as it causes other failures. Otherwise it is the first failure
    with the others added, since the user may have to correct each.
    """
    lost = [error for _, error in failures if isinstance(error, ResourceLostError)]
    if lost:
        return lost[0]
    (_, first), *others = failures
    seen = {format_error(first)}
    for title, other in others:
        if isinstance(first, Exception) and format_error(other) not in seen:
            seen.add(format_error(other))
            add_failure(first, other, f"“{title}” failed as well")
    return first


def add_failure(first: BaseException, second: BaseException, introduction: str) -> None:
    """Add a later failure, with its hint and commands, to an error."""
    sentence = f"{introduction}: {format_error(second)}"
    if isinstance(first, NotebakeError):
        first.message = f"{first.message}\n{sentence}"
        hints = (first.hint, second.hint if isinstance(second, NotebakeError) else "")
        first.hint = "\n".join(dict.fromkeys(filter(None, hints)))
        first.with_next(*next_commands_of(second))
    else:
        first.add_note(sentence)


def format_error(error: BaseException) -> str:
    """Return the message of an error, after its class name unless it is a NotebakeError."""
    if isinstance(error, NotebakeError):
        return error.message
    return f"{type(error).__name__}: {error}".removesuffix(": ")
