"""What an executed notebook proved."""

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


class NotebookVerdict(Record):
    """What an executed notebook proved."""

    cells: int
    """Code cells that ran."""
    figures: int
    seconds: float
    numbers: tuple[float, ...] = ()
    """Every number that it printed, in order."""
    error: str | None = None
    """None when all that the recipe asks for is there; otherwise what was not, in one line."""
    kind: NotebookKind = "passed"
    """How it ended: each way to fail is mended elsewhere."""
    cell: int | None = None
    """The number of the cell in which it ended, if it was a cell."""
    advice: str = ""
    """What to change, where the error itself tells more than its kind."""
