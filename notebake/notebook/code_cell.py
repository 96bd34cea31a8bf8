"""A code cell of an executed notebook, with its outputs and its error."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from notebake.humanize import quote_code

ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
RAISES_TAG = "raises-exception"
"""The tag of a cell after whose error the notebook continues (nbclient/client.py)."""


class CellError(NamedTuple):
    """An exception, its message in one line, and its traceback without colours."""

    name: str
    message: str
    traceback: str


@dataclass(frozen=True)
class CodeCell:
    """A code cell with source code, as in the executed notebook."""

    number: int
    """The [n] beside it in the notebook, or the number that it would have."""
    source: str
    tags: frozenset[str]
    has_begun: bool
    has_count: bool
    """Whether the kernel numbered it. papermill's own status cannot be used: it marks the cell in
    which a kernel died, and all later cells, as completed (papermill/engines.py, 2.7)."""
    outputs: tuple[dict[str, Any], ...]
    are_figures: tuple[bool, ...] = ()
    """For each output, whether it is a figure."""
    began: float | None = None
    """When it began, in Unix time, if that was recorded."""
    ended: float | None = None

    @property
    def title(self) -> str:
        """Its number and first line as a phrase."""
        lines = (line.strip() for line in self.source.splitlines())
        line = next((line for line in lines if line and not line.startswith("#")), "")
        return f"cell {self.number} {quote_code(line)}"

    @property
    def error(self) -> CellError | None:
        """The exception that ended it, unless the cell is tagged to expect one."""
        return None if RAISES_TAG in self.tags else self.raised

    @property
    def raised(self) -> CellError | None:
        """The exception that ended it, expected or not."""
        for output in self.outputs:
            if output.get("output_type") == "error":
                message = ESCAPE_SEQUENCE.sub("", output.get("evalue", ""))
                traceback = ESCAPE_SEQUENCE.sub("", "\n".join(output.get("traceback", ())))
                return CellError(output.get("ename", ""), " ".join(message.split()), traceback)
        return None

    @property
    def figures(self) -> int:
        return sum(self.are_figures)
