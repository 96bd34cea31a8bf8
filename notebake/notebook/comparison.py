"""Whether two machines got the same results from one notebook, and if not, where they part."""

import math
import re
from typing import NamedTuple

from notebake.humanize import capitalize_first, pluralize
from notebake.notebook.numbers import CellNumbers

WHOLE = re.compile(r"[-+]?\d+")
NOISE = 1e-15
"""As a share, some four units in the last place of a double: a sum in another order differs so."""
NEAR_ZERO = 1e-12
"""Below it a number is what rounding leaves of zero, if it has not the other one's sign."""


class Difference(NamedTuple):
    """The first place in which the results differ, and how many do."""

    place: str
    """The cell and the line of its output, as a person would look for them."""
    built: str
    """What the builder showed there."""
    here: str
    differing: int
    """How many numbers differ, or only one of them has."""
    total: int
    share: float | None = None
    """By how much the first two numbers differ, as a share of the larger."""

    def __str__(self) -> str:
        more = f" {self.differing} of {self.total} numbers differ." if self.total > 1 else ""
        return f"{self.place}: {self.built} on the builder, {self.here} here.{more}"


def numbers_match(built: str, here: str, tolerance: float = 0.0) -> bool:
    """Tell whether two numbers, as they were printed, are the same.

    `tolerance` is a share of the larger, or as it is where both are below 1. Without it whole
    numbers must be equal, and all others but for a double's rounding.
    """
    if built == here:
        return True
    if tolerance == 0 and WHOLE.fullmatch(built) and WHOLE.fullmatch(here):
        return _bare(built) == _bare(here)
    one, other = float(built), float(here)
    if math.isclose(one, other, rel_tol=max(NOISE, tolerance), abs_tol=tolerance):
        return True
    is_rounding_of_zero = max(abs(one), abs(other)) < NEAR_ZERO
    return is_rounding_of_zero and one * other <= 0


def _bare(whole: str) -> str:
    """Return a whole number without what changes nothing; it may have more digits than a double."""
    digits = whole.lstrip("+-").lstrip("0")
    return f"-{digits}" if whole.startswith("-") and digits else digits


def relative_difference(built: float, here: float) -> float:
    """Return by how much two numbers differ, as `numbers_match` measures it."""
    return abs(built - here) / max(1.0, abs(built), abs(here))


def find_difference(
    built: tuple[CellNumbers, ...], here: tuple[CellNumbers, ...], tolerance: float = 0.0
) -> Difference | None:
    """Return where the results of two executions differ first; None where they are the same."""
    first: Difference | None = None
    count = total = 0
    for one, other in zip(built, here, strict=False):
        differing = [
            place
            for place, pair in enumerate(zip(one.numbers, other.numbers, strict=False))
            if not numbers_match(*pair, tolerance)
        ]
        gap = abs(len(one.numbers) - len(other.numbers))
        total += max(len(one.numbers), len(other.numbers))
        count += len(differing) + gap
        if first is None and (differing or gap):
            first = _first_difference(one, other, differing[0] if differing else None)
    if first is None and len(built) != len(here):
        first = Difference("The notebook", f"{len(built)} cells", f"{len(here)} cells", 1, total)
    return first and first._replace(differing=count, total=total)


def _first_difference(one: CellNumbers, other: CellNumbers, place: int | None) -> Difference:
    """Return how a cell's numbers differ first: by a number, or by how many there are."""
    if place is None:
        mine, its = (pluralize(len(each.numbers), "number") for each in (one, other))
        return Difference(_place(one), mine, its, 0, 0)
    mine, its = one.numbers[place], other.numbers[place]
    share = relative_difference(float(mine), float(its))
    return Difference(_place(one, one.line_of(place)), mine, its, 0, 0, share)


def _place(cell: CellNumbers, line: int | None = None) -> str:
    """Return a cell and a line of its output as a person would look for them."""
    is_one_line = "\n" not in cell.text.strip()
    where = f", line {line} of its output" if line and not is_one_line else ""
    return f"{capitalize_first(cell.cell.title)}{where}"
