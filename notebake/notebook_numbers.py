"""The numbers that an executed notebook gives as its results, each with its place."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from notebake.notebook_circumstances import (
    INDEX_OF_R,
    in_one_order,
    without_circumstances,
)
from notebake.notebook_clock import Span
from notebake.notebook_outputs import CodeCell, ExecutedNotebook, result_text

VOLATILE = "volatile"
"""The tag of a cell whose output differs by nature: its numbers are compared with nothing."""
NUMBER = re.compile(r"(?<![\w.])(?:(?<![^\W_])[-+])?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


class Number(NamedTuple):
    """A number, and the line of the cell's output in which it stands, from 1 on."""

    text: str
    """As it was printed."""
    line: int


class CellNumbers(NamedTuple):
    """What a cell gave."""

    cell: CodeCell
    numbers: tuple[Number, ...]


def result_numbers(notebook: ExecutedNotebook) -> tuple[CellNumbers, ...]:
    """Return for each cell every finite number that is a result, in order.

    None are of cells tagged `volatile`. Circumstances are left out (`notebook_circumstances`), and
    what a carriage return has overwritten.
    """
    began = min((cell.began for cell in notebook.cells if cell.began is not None), default=None)
    return tuple(
        CellNumbers(cell, tuple(_numbers_of(cell, notebook.language, _span(began, cell))))
        for cell in notebook.cells
    )


def _span(began: float | None, cell: CodeCell) -> Span | None:
    """Return from when a cell can have read a clock until it ended, if that is known."""
    return None if began is None or cell.ended is None else Span(began, cell.ended)


def _numbers_of(cell: CodeCell, language: str, span: Span | None) -> Iterator[Number]:
    """Yield the numbers of one cell."""
    if VOLATILE in cell.tags:
        return
    text = result_text(cell)
    if language == "python":
        text = in_one_order(text)
    if language == "R":
        text = INDEX_OF_R.sub(" ", text)
    for place, line in enumerate(text.split("\n"), start=1):
        shown = line.rstrip("\r").rsplit("\r", 1)[-1].replace("\N{MINUS SIGN}", "-")
        for match in NUMBER.finditer(without_circumstances(shown, span)):
            if math.isfinite(float(match[0])):
                yield Number(match[0], place)
