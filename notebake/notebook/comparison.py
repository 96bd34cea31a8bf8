"""Compares the results of two executions of a notebook, and finds the first difference."""

import math
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from notebake.humanize import capitalize_first, pluralize
from notebake.notebook.numbers import CellNumbers, Moment

Pair = tuple[int | None, int | None]
"""The place of a number among those of its cell, and of the number in the other cell's output."""
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
        pairs = list(pair_numbers(mine, its, tolerance))
        differing = [pair for pair in pairs if not is_match(mine, its, pair, tolerance)]
        total += len(pairs)
        count += len(differing)
        if first is None and differing:
            both = [pair for pair in differing if None not in pair]
            first = _cell_difference(mine, its, both[0] if both else None)
    if first is None and len(built) != len(here):
        first = Difference("The notebook", f"{len(built)} cells", f"{len(here)} cells", 1, total)
    return first and first._replace(differing=count, total=total)


def pair_numbers(mine: CellNumbers, its: CellNumbers, tolerance: float) -> Iterator[Pair]:
    """Yield the places of the numbers that belong together; None where one cell has no more.

    What may be the time of both executions is left out. What may be that of only one of them is
    left out, too, but if it stands in the other one as it is, it is a result of both: a time that a
    notebook prints each time may happen to be the one at which it runs.
    """
    left, right = _in_order(mine), _in_order(its)
    while left or right:
        first, second = (side[0] if side else None for side in (left, right))
        if isinstance(first, Moment):
            left.popleft()
            if isinstance(second, Moment):
                right.popleft()
            else:
                _drop(first, right, its, tolerance)
        elif isinstance(second, Moment):
            right.popleft()
            _drop(second, left, mine, tolerance)
        else:
            for side in (left, right):
                if side:
                    side.popleft()
            yield first, second


def _in_order(cell: CellNumbers) -> deque[int | Moment]:
    """Return the places of a cell's numbers with the moments between them."""
    order = deque[int | Moment]()
    place = 0
    for moment in cell.moments:
        order.extend(range(place, moment.place))
        order.append(moment)
        place = moment.place
    order.extend(range(place, len(cell.numbers)))
    return order


def _drop(moment: Moment, order: deque[int | Moment], cell: CellNumbers, tolerance: float) -> None:
    """Take the numbers of a moment from the beginning of what is left of a cell, if it has them."""
    following = list(islice(order, len(moment.numbers)))
    found = [cell.numbers[place] for place in following if isinstance(place, int)]
    if len(found) == len(moment.numbers) and all(
        numbers_match(one, other, tolerance)
        for one, other in zip(moment.numbers, found, strict=True)
    ):
        for _ in following:
            order.popleft()


def is_match(mine: CellNumbers, its: CellNumbers, pair: Pair, tolerance: float) -> bool:
    """Return whether both cells have the number of a pair, and it is the same."""
    first, second = pair
    return (
        first is not None
        and second is not None
        and numbers_match(mine.numbers[first], its.numbers[second], tolerance)
    )


def _cell_difference(built: CellNumbers, here: CellNumbers, pair: Pair | None) -> Difference:
    """Return a cell's first difference: of two numbers, or without them in the numbers' count."""
    if pair is None or pair[0] is None or pair[1] is None:
        mine, its = (pluralize(len(cell.numbers), "number") for cell in (built, here))
        return Difference(place_of(built), mine, its, 0, 0)
    mine, its = built.numbers[pair[0]], here.numbers[pair[1]]
    share = relative_difference(float(mine), float(its))
    return Difference(place_of(built, built.line_of(pair[0])), mine, its, 0, 0, share)


def place_of(cell: CellNumbers, line: int | None = None) -> str:
    """Return a cell, and the line of its output unless that is the only one, for people."""
    is_one_line = "\n" not in cell.text.strip()
    where = f", line {line} of its output" if line and not is_one_line else ""
    return f"{capitalize_first(cell.cell.title)}{where}"
