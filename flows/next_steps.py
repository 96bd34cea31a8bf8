"""What a reader is told to do next: to type a command, or to press a button of Prefect's UI."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from notebake.errors import Advice, NextCommand, NotebakeError, describe_next

RETRY = "press Retry"
_to_go_on: ContextVar[str] = ContextVar("to_go_on", default="")
"""What a reader of the UI does to continue a run; empty for a reader of a terminal."""


@contextmanager
def reading_in_ui(to_go_on: str = RETRY) -> Iterator[None]:
    """Word the next steps, while the block runs, for a reader of Prefect's UI."""
    token = _to_go_on.set(to_go_on)
    try:
        yield
    finally:
        _to_go_on.reset(token)


def is_read_in_ui() -> bool:
    """Return whether the next steps are read in Prefect's UI; otherwise it is a terminal."""
    return bool(_to_go_on.get())


def describe_advice(advice: Advice) -> str:
    """Return advice with its next steps, in the words of the place where it is read."""
    return "\n".join(filter(None, (advice.text, *describe_steps(advice.next_commands))))


def describe_error(error: NotebakeError) -> str:
    """Return an error and its advice, in the words of the place where it is read."""
    return "\n".join(filter(None, (error.message, describe_advice(error.advice))))


def describe_steps(commands: Sequence[NextCommand]) -> list[str]:
    """Return a line for each next step; the same step is listed once."""
    if not is_read_in_ui():
        return describe_next(commands)
    return list(dict.fromkeys(f"{each.purpose}: {_in_ui(each)}" for each in commands))


def _in_ui(command: NextCommand) -> str:
    """Return what to press in the UI, or what to type where the UI has nothing for it."""
    match command.words:
        case ("resume", _):
            return _to_go_on.get()
        case ("resume", run_id, "--from", step):
            return f"run the deployment `resume` with run_id {run_id} and from_step {step}"
        case ("tear-down", run_id):
            return f"run the deployment `tear-down` with run_id {run_id}"
        case ("sweep", *_):
            return "run the deployment `sweep`"
        case ("servers", *_):
            return "run the deployment `servers`"
        case ("images", *_):
            return "run the deployment `catalogue`"
        case ("open", *_):
            return f"on your computer, type: {command.command_line()}"
    return f"in a terminal, type: {command.command_line()}"
