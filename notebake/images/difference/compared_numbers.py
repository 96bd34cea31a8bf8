"""The numbers that the notebook printed on two builders, and which of them differ."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from notebake.images.difference.image_difference import NumbersFinding
from notebake.images.updates.finding import Change
from notebake.images.updates.kept_run import KeptRun
from notebake.notebook.comparison import is_match, pair_numbers, place_of
from notebake.notebook.kept_results import BUILDER_NAME
from notebake.notebook.numbers import CellNumbers, result_numbers
from notebake.notebook.outputs import read_executed

FILE = f"{BUILDER_NAME}/executed.ipynb"
Cells = Sequence[CellNumbers]


def compare_numbers(before: KeptRun, after: KeptRun) -> NumbersFinding:
    """Compare the numbers of cells with the same source, within the tolerance of the recipe.

    Raises:
        RunStoreError: the store failed.
    """
    results = [_read(run) for run in (before, after)]
    reason = " ".join(each for each in results if isinstance(each, str))
    old, new = (() if isinstance(each, str) else each for each in results)
    if reason:
        return NumbersFinding(state="not kept", reason=reason)
    tolerance = float((after.summary.recipe.get("notebook") or {}).get("tolerance") or 0.0)
    compared, changes = 0, list[Change]()
    for was, now in pair_cells(old, new):
        count = max(len(cell.numbers) if cell else 0 for cell in (was, now))
        compared += count
        changes += _differences(was, now, tolerance)
    state = "changed" if changes else "unchanged"
    return NumbersFinding(state=state, compared=compared, changes=tuple(changes))


def _read(run: KeptRun) -> Cells | str:
    """Return the results of the builder's notebook, or why there are none."""
    content, missing = run.read_file(FILE)
    if content is None:
        return f"{missing}."
    try:
        return result_numbers(read_executed(content.decode(errors="replace")))
    except ValueError:
        return f"{FILE} of run {run.run_id} is no notebook of format 4."


def pair_cells(old: Cells, new: Cells) -> Iterator[tuple[CellNumbers | None, CellNumbers | None]]:
    """Yield the cells that belong together: with the same source, or else in the same place."""
    before, after = ([cell.cell.source for cell in cells] for cells in (old, new))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for _, first, last, begin, end in matcher.get_opcodes():
        yield from zip_longest(old[first:last], new[begin:end])


def _differences(
    was: CellNumbers | None, now: CellNumbers | None, tolerance: float
) -> Iterator[Change]:
    """Yield the numbers of a cell that differ, or that only one of the two has."""
    cell = was or now
    if cell is None:
        return
    none = cell._replace(numbers=(), moments=())
    old, new = was or none, now or none
    for before, after in pair_numbers(old, new, tolerance):
        if is_match(old, new, (before, after), tolerance):
            continue
        one = None if before is None else old.numbers[before]
        other = None if after is None else new.numbers[after]
        holder, place = (old, before) if after is None else (new, after)
        name = place_of(holder, None if place is None else holder.line_of(place))
        yield Change(name=name, old=one, new=other)
