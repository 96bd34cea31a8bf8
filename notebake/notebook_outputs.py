"""What an executed notebook shows: the cells that ran, their figures, numbers and text."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from notebake.notebook_figures import is_figure

ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+\b")
# IPython's %%time and %%timeit: never the same twice (IPython/core/magics/execution.py).
TIMING_LINE = re.compile(r"\s*(CPU times: |Wall time: |Compiler time: )|.* per loop \(")
NUMBER = re.compile(r"(?<![\w.])(?:(?<![^\W_])[-+])?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class CodeCell:
    """A code cell that had something to run, as it stands in the executed notebook."""

    number: int
    """The [n] that the notebook shows beside it, or would have."""
    source: str
    tags: frozenset[str]
    has_begun: bool
    has_count: bool
    """The kernel has given it a number. papermill's own status is no witness: it calls the cell
    in which a kernel died, and all that follow, completed (papermill/engines.py, 2.7)."""
    outputs: tuple[dict[str, Any], ...]

    @property
    def title(self) -> str:
        """Its number and first line, as a person would look for it."""
        lines = (line.strip() for line in self.source.splitlines())
        line = next((line for line in lines if line and not line.startswith("#")), "")
        return f"cell {self.number} (`{line[:60]}{'…' if len(line) > 60 else ''}`)"

    @property
    def error(self) -> tuple[str, str] | None:
        """Name and message of the exception that ended it."""
        for output in self.outputs:
            if output.get("output_type") == "error":
                message = ESCAPE_SEQUENCE.sub("", output.get("evalue", ""))
                return output.get("ename", ""), " ".join(message.split())
        return None

    @property
    def figures(self) -> int:
        """How many of its outputs are figures."""
        return sum(is_figure(output) for output in self.outputs)


def read_code_cells(executed: str) -> tuple[CodeCell, ...]:
    """Return the code cells that are not blank. Raises ValueError if this is no notebook."""
    try:
        written = json.loads(executed)["cells"]
        return tuple(_code_cells(written))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a notebook of format 4") from error


def printed_text(cell: CodeCell) -> str:
    """Return what a cell printed or returned as text; not its figures, not its standard error."""
    parts = []
    for output in cell.outputs:
        if output.get("output_type") == "stream" and output.get("name") == "stdout":
            parts.append(joined(output.get("text", "")))
        if output.get("output_type") == "execute_result" and not is_figure(output):
            parts.append(joined(output["data"].get("text/plain", "")) + "\n")
    return ESCAPE_SEQUENCE.sub("", "".join(parts))


def printed_numbers(cells: tuple[CodeCell, ...]) -> tuple[float, ...]:
    """Return every finite number that the cells printed, in order.

    Left out: cells tagged `volatile`, timings, addresses in memory, and what a carriage return
    has overwritten.
    """
    return tuple(
        number
        for cell in cells
        if "volatile" not in cell.tags
        for line in printed_text(cell).split("\n")
        if not TIMING_LINE.match(line)
        for number in _numbers(line)
    )


def joined(text: str | list[str]) -> str:
    """Return a notebook's multi-line text, which may be a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def _numbers(line: str) -> Iterator[float]:
    """Yield the finite numbers of a line."""
    shown = ADDRESS.sub(" ", line.rstrip("\r").rsplit("\r", 1)[-1]).replace("\N{MINUS SIGN}", "-")
    for match in NUMBER.finditer(shown):
        number = float(match[0])
        if math.isfinite(number):
            yield number


def _code_cells(written: list[dict[str, Any]]) -> Iterator[CodeCell]:
    """Yield the code cells that are not blank, numbered as a fresh kernel numbers them."""
    number = 0
    for cell in written:
        source = joined(cell["source"])
        if cell["cell_type"] != "code" or not source.strip():
            continue
        tags = frozenset(cell["metadata"].get("tags", ()))
        number += "skip-execution" not in tags
        count = cell.get("execution_count")
        if not isinstance(count, int | None):
            raise TypeError("execution_count")
        began = cell["metadata"].get("papermill", {}).get("start_time") is not None
        yield CodeCell(
            number=count or number,
            source=source,
            tags=tags,
            has_begun=began or count is not None,
            has_count=count is not None,
            outputs=tuple(_checked(output) for output in cell.get("outputs", ())),
        )


def _checked(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output whose texts are where they should be; TypeError, KeyError otherwise."""
    content = output["data"] if output.get("output_type") == "execute_result" else {}
    content = output.get("data", content)
    texts = (output.get("text", ""), content.get("text/plain", ""), content.get("text/html", ""))
    "".join((*map(joined, texts), output.get("ename", ""), output.get("evalue", "")))
    return output
