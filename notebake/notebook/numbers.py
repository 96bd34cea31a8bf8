"""Extracts the numbers that are results of an executed notebook, with their places."""

import math
import re
from bisect import bisect
from itertools import islice
from typing import NamedTuple

from notebake.notebook.code_cell import CodeCell
from notebake.notebook.dates import MASK, Span, mask_run_times
from notebake.notebook.outputs import ExecutedNotebook, result_text
from notebake.notebook.volatile_text import R_INDEX, sort_sets, without_volatile_text

VOLATILE = "volatile"
"""The tag of a cell whose output differs in each execution: its numbers are not compared."""
NUMBER = re.compile(r"(?<![\w.])(?:(?<![^\W_])[-+])?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
MASKED = re.compile(f"{MASK}+")
LONG = 300
"""A shorter number without an exponent is finite as a double (up to 1.8e308)."""


class Moment(NamedTuple):
    """A date or time at which the notebook itself ran, and that it may have read from the clock."""

    place: int
    """How many of the cell's numbers stand before it."""
    numbers: tuple[str, ...]
    """As printed. They are compared only with a notebook that ran at another time."""


class CellNumbers(NamedTuple):
    """The numbers in a cell's results, as printed."""

    cell: CodeCell
    numbers: tuple[str, ...]
    text: str
    """The cell's results without volatile text and moments."""
    moments: tuple[Moment, ...] = ()

    def line_of(self, index: int) -> int:
        """Return the line of the cell's output that has a number, from 1."""
        found = (match for match in NUMBER.finditer(self.text) if _is_finite(match[0]))
        return 1 + self.text.count("\n", 0, next(islice(found, index, None)).start())


def result_numbers(notebook: ExecutedNotebook) -> tuple[CellNumbers, ...]:
    """Return for each cell every finite number in its results, in order.

    Left out are cells tagged `volatile`, volatile text, and text before a carriage return. What may
    be the time of the execution stands apart.
    """
    began = min((cell.began for cell in notebook.cells if cell.began is not None), default=None)
    return tuple(
        _numbers_of(cell, _text_of(cell, notebook.language), _span(began, cell))
        for cell in notebook.cells
    )


def _numbers_of(cell: CodeCell, text: str, span: Span | None) -> CellNumbers:
    """Return the numbers of a text; without a span, all times are among them."""
    masked = mask_run_times(text, span) if span else text
    found = [match for match in NUMBER.finditer(masked) if _is_finite(match[0])]
    starts = [match.start() for match in found]
    moments = tuple(
        Moment(
            bisect(starts, mask.start()),
            tuple(match[0] for match in NUMBER.finditer(text, *mask.span())),
        )
        for mask in (MASKED.finditer(masked) if span else ())
    )
    return CellNumbers(cell, tuple(match[0] for match in found), masked.replace(MASK, " "), moments)


def _span(began: float | None, cell: CodeCell) -> Span | None:
    """Return the time in which a cell can have read a clock, if it is known."""
    return None if began is None or cell.ended is None else Span(began, cell.ended)


def _text_of(cell: CodeCell, language: str) -> str:
    if VOLATILE in cell.tags:
        return ""
    text = result_text(cell)
    if language == "python":
        text = sort_sets(text)
    if language == "R":
        text = R_INDEX.sub(" ", text)
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    return without_volatile_text(text).replace("\N{MINUS SIGN}", "-")


def _is_finite(number: str) -> bool:
    return (len(number) < LONG and "e" not in number and "E" not in number) or math.isfinite(
        float(number)
    )
