"""The verdict on an executed notebook, and the status of its execution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from notebake.record import Record

NotebookKind = Literal[
    "passed",
    "cell_error",
    "missing_module",
    "asks_for_input",
    "dead_kernel",
    "timed_out",
    "missing_kernel",
    "other_language",
    "idle_parameters",
    "papermill_failed",
    "too_little",
    "no_verdict",
]


@dataclass(frozen=True)
class ExecutionStatus:
    """How papermill ended: the content of the status file beside the executed notebook."""

    exit_code: int
    seconds: float
    log: str = ""
    oom_kills: int = 0
    kernels: Sequence[str] = ()
    language: str = ""


class NotebookVerdict(Record):
    """What an executed notebook proved."""

    cells: int
    """Code cells that ran."""
    figures: int
    seconds: float
    numbers: tuple[float, ...] = ()
    """Every number that it printed, in order."""
    error: str | None = None
    """One line about why it failed; None if it proved everything that the recipe asks for."""
    kind: NotebookKind = "passed"
    """The kind of failure: each is corrected elsewhere."""
    cell: int | None = None
    """The number of the cell in which it failed, if it was a cell."""
    advice: str = ""
    """What to change, if the error is more specific than its kind."""
