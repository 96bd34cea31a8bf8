"""The numbers that an executed notebook gives as its results, each with its place."""

import math
import re
from itertools import islice
from typing import NamedTuple

from notebake.notebook.dates import Span
from notebake.notebook.outputs import CodeCell, ExecutedNotebook, result_text
from notebake.notebook.volatile_text import R_INDEX, sort_sets, without_volatile_text

VOLATILE = "volatile"
"""The tag of a cell whose output differs by nature: its numbers are compared with nothing."""
NUMBER = re.compile(r"(?<![\w.])(?:(?<![^\W_])[-+])?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
LONG = 300
"""Shorter numbers without an exponent are no infinity of a double (1.8e308)."""


class CellNumbers(NamedTuple):
    """The numbers that a cell gave, as they were printed."""

    cell: CodeCell
    numbers: tuple[str, ...]
    text: str
    """In which they stand, without its circumstances."""

    def line_of(self, place: int) -> int:
        """Return the line of the cell's output in which a number stands, from 1 on."""
        found = (match for match in NUMBER.finditer(self.text) if _is_finite(match[0]))
        return 1 + self.text.count("\n", 0, next(islice(found, place, None)).start())


def result_numbers(notebook: ExecutedNotebook) -> tuple[CellNumbers, ...]:
    """Return for each cell every finite number that is a result, in order.

    None are of cells tagged `volatile`. Circumstances are left out (`notebook_circumstances`), and
    what a carriage return has overwritten.
    """
    began = min((cell.began for cell in notebook.cells if cell.began is not None), default=None)
    return tuple(
        CellNumbers(cell, tuple(filter(_is_finite, NUMBER.findall(text))), text)
        for cell in notebook.cells
        for text in [_text_of(cell, notebook.language, _span(began, cell))]
    )


def _span(began: float | None, cell: CodeCell) -> Span | None:
    """Return from when a cell can have read a clock until it ended, if that is known."""
    return None if began is None or cell.ended is None else Span(began, cell.ended)


def _text_of(cell: CodeCell, language: str, span: Span | None) -> str:
    """Return what a cell gave, without what is no result; each line stays a line."""
    if VOLATILE in cell.tags:
        return ""
    text = result_text(cell)
    if language == "python":
        text = sort_sets(text)
    if language == "R":
        text = R_INDEX.sub(" ", text)
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    return without_volatile_text(text, span).replace("\N{MINUS SIGN}", "-")


def _is_finite(number: str) -> bool:
    """Tell whether a number is not too large for a double."""
    return (len(number) < LONG and "e" not in number and "E" not in number) or math.isfinite(
        float(number)
    )
