"""Compares the results of two executions of a notebook, and finds the first difference."""

import math
import re
from typing import NamedTuple

from notebake.humanize import capitalize_first, pluralize
from notebake.notebook.numbers import CellNumbers

WHOLE = re.compile(r"[-+]?\d+")
NOISE = 1e-15
"""Relative; some four units in the last place of a double, as another order of summation gives."""
NEAR_ZERO = 1e-12
"""Below it, two numbers without the same sign are both rounding errors of zero."""


class Difference(NamedTuple):
    """The first place at which the results differ, and the number of differences."""

    place: str
    """The cell and the line of its output."""
    built: str
    """The builder's output there."""
    here: str
    """The machine's output there."""
    differing: int
    """How many numbers differ, or exist on one side only."""
    total: int
    share: float | None = None
    """The relative difference of the first two differing numbers."""

    def __str__(self) -> str:
        more = f" {self.differing} of {self.total} numbers differ." if self.total > 1 else ""
        return f"{self.place}: {self.built} on the builder, {self.here} here.{more}"


def numbers_match(built: str, here: str, tolerance: float = 0.0) -> bool:
    """Return whether two printed numbers are the same.

    `tolerance` is relative to the larger number, or absolute if both are below 1. Without it, whole
    numbers must be equal, and others equal but for a double's rounding.
    """
    if built == here:
        return True
    if tolerance == 0 and WHOLE.fullmatch(built) and WHOLE.fullmatch(here):
        return _canonical(built) == _canonical(here)
    first, second = float(built), float(here)
    if math.isclose(first, second, rel_tol=max(NOISE, tolerance), abs_tol=tolerance):
        return True
    is_rounding_of_zero = max(abs(first), abs(second)) < NEAR_ZERO
    return is_rounding_of_zero and first * second <= 0


def _canonical(whole: str) -> str:
    """Return a whole number without plus sign and leading zeros; it may exceed a double."""
    digits = whole.lstrip("+-").lstrip("0")
    return f"-{digits}" if whole.startswith("-") and digits else digits


def relative_difference(built: float, here: float) -> float:
    """Return the difference of two numbers as `numbers_match` measures it."""
    return abs(built - here) / max(1.0, abs(built), abs(here))


def find_difference(
    built: tuple[CellNumbers, ...], here: tuple[CellNumbers, ...], tolerance: float = 0.0
) -> Difference | None:
    """Return the first difference between the results of two executions; None if they match."""
    first: Difference | None = None
    count = total = 0
    for mine, its in zip(built, here, strict=False):
        differing = [
            index
            for index, pair in enumerate(zip(mine.numbers, its.numbers, strict=False))
            if not numbers_match(*pair, tolerance)
        ]
        gap = abs(len(mine.numbers) - len(its.numbers))
        total += max(len(mine.numbers), len(its.numbers))
        count += len(differing) + gap
        if first is None and (differing or gap):
            first = _cell_difference(mine, its, differing[0] if differing else None)
    if first is None and len(built) != len(here):
        first = Difference("The notebook", f"{len(built)} cells", f"{len(here)} cells", 1, total)
    return first and first._replace(differing=count, total=total)


def _cell_difference(built: CellNumbers, here: CellNumbers, index: int | None) -> Difference:
    """Return a cell's first difference: at a number, or without an index in the numbers' count."""
    if index is None:
        mine, its = (pluralize(len(cell.numbers), "number") for cell in (built, here))
        return Difference(place_of(built), mine, its, 0, 0)
    mine, its = built.numbers[index], here.numbers[index]
    share = relative_difference(float(mine), float(its))
    return Difference(place_of(built, built.line_of(index)), mine, its, 0, 0, share)


def place_of(cell: CellNumbers, line: int | None = None) -> str:
    """Return a cell, and the line of its output unless that is the only one, for people."""
    is_one_line = "\n" not in cell.text.strip()
    where = f", line {line} of its output" if line and not is_one_line else ""
    return f"{capitalize_first(cell.cell.title)}{where}"
