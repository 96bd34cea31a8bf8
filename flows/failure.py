"""What a failure says: what went wrong first, what else then, and what of the run is left.

The same for whoever typed a command, who reads it at the end, and for whoever started a flow from
Prefect's UI, who reads it in the log and in the state of the flow run.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from notebake.errors import (
    Advice,
    NotebakeError,
    ResourceLostError,
    WrongAccountError,
    next_commands_of,
)
from notebake.runs.run import Run

log = logging.getLogger(__name__)
REPORTED = "notebake_told"
"""The attribute of an error that says what is left; no other one has it."""


@contextmanager
def reporting_what_is_left(run: Run, *also: type[BaseException]) -> Iterator[None]:
    """Have whatever ends the block say what of the run is left and what that costs, once.

    Any error, an interrupt as well, and those that are named.
    """
    ends: tuple[type[BaseException], ...] = (Exception, KeyboardInterrupt, *also)
    try:
        yield
    except ends as error:
        report_what_is_left(run, error)
        raise


def report_what_is_left(run: Run, error: BaseException) -> None:
    """Add to an error what is left of the run, unless it says so already."""
    if reported_by(error):
        return
    told = reported_by(error.__cause__)
    if not told:
        told = what_is_left(run, error)
        log.error("%s", told, extra={"event": "told"})
    setattr(error, REPORTED, told)
    if isinstance(error, NotebakeError):
        error.hint = "\n".join(filter(None, (error.hint, told.text)))
        error.with_next(*told.next_commands)
    else:
        error.add_note(told.text)
        vars(error)["next_commands"] = (*next_commands_of(error), *told.next_commands)


def reported_by(error: BaseException | None) -> Advice | None:
    """Return what an error says of what is left; None where it does not."""
    return getattr(error, REPORTED, None)


def what_is_left(run: Run, error: BaseException) -> Advice:
    """Return what a failure leaves, and what to type; that it cannot be told hides no failure."""
    try:
        from notebake.machines.failure_report import commands_after_failure, failure_report
    except (Exception, KeyboardInterrupt) as other:  # noqa: BLE001 - told beside the failure
        return Advice(f"What is left of run {run.id} could not be told: {format_error(other)}")
    if isinstance(error, WrongAccountError):
        return Advice("Then, what is left of the run can be told:", commands_after_failure(run))
    try:
        return failure_report(run)
    except (Exception, KeyboardInterrupt) as other:  # noqa: BLE001 - told beside the failure
        could_not = f"What is left of the run could not be told: {format_error(other)}"
        return Advice(could_not, commands_after_failure(run))


def join_failures(failures: Sequence[tuple[str, BaseException]]) -> BaseException:
    """Return the failure to raise of steps that ran side by side, each with its step's title.

    That a machine is lost goes before what else failed because of it; else the first one does, and
    tells of the others too, since each may have to be mended.
    """
    lost = [error for _, error in failures if isinstance(error, ResourceLostError)]
    if lost:
        return lost[0]
    (_, first), *others = failures
    told = {format_error(first)}
    for title, other in others:
        if isinstance(first, Exception) and format_error(other) not in told:
            told.add(format_error(other))
            add_failure(first, other, f"Beside it, “{title}” failed as well")
    return first


def add_failure(
    first: Exception,
    second: BaseException,
    words: str = "The tear-down after this failure failed as well",
) -> None:
    """Let an error also tell of what failed after it."""
    said = f"{words}: {format_error(second)}"
    if isinstance(first, NotebakeError):
        first.message = f"{first.message}\n{said}"
        hints = (first.hint, second.hint if isinstance(second, NotebakeError) else "")
        first.hint = "\n".join(dict.fromkeys(filter(None, hints)))
        first.with_next(*next_commands_of(second))
    else:
        first.add_note(said)


def format_error(error: BaseException) -> str:
    """Return what an error says, with its kind where that says more."""
    if isinstance(error, NotebakeError):
        return error.message
    return f"{type(error).__name__}: {error}".removesuffix(": ")
