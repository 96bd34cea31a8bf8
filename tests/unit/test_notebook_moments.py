"""A time that stands in a result is compared, whatever the minute at which its notebook ran."""

import json
from typing import Any

import pytest

from notebake.notebook.comparison import find_difference
from notebake.notebook.numbers import CellNumbers, result_numbers
from notebake.notebook.outputs import read_executed
from tests.executed_notebooks import cell, notebook, printed

DIURNAL = "\n".join(f"{hour:02d}:00  {14 + hour / 10:.1f}" for hour in range(24))
TIDE = "High tide at 10:02, 1.21 m; low tide at 16:14:30, 0.34 m"
OBSERVED = "Last observation: 2026-11-29 10:00:00, 14.2 degC, Unix time 1796032800"
STARTS = range(0, 3600, 10)


def results(text: str, began: float, seconds: float = 30) -> tuple[CellNumbers, ...]:
    """Return the numbers of a notebook that printed a text, so long after ten in the morning."""
    executed: dict[str, Any] = json.loads(notebook(cell("x", printed(text))))
    first, last = (at_ten(each) for each in (began, began + seconds))
    executed["cells"][1]["metadata"]["papermill"] = {"start_time": first, "end_time": last}
    return result_numbers(read_executed(json.dumps(executed)))


def at_ten(seconds: float) -> str:
    minute, second = divmod(seconds, 60)
    return f"2026-11-29T{10 + int(minute // 60)}:{int(minute % 60):02d}:{second:02.0f}+00:00"


@pytest.mark.parametrize("seconds", [30, 300, 2000])
@pytest.mark.parametrize("text", [DIURNAL, TIDE, OBSERVED])
def test_the_same_text_is_no_difference_whenever_it_was_printed(text: str, seconds: int) -> None:
    built = results(text, 420, seconds)
    left_out = [begin for begin in STARTS if results(text, begin, seconds)[0].moments]

    assert left_out, "in none of these it was the run's own"
    for begin in STARTS:
        here = results(text, begin, seconds)
        assert find_difference(built, here) is None, begin
        assert find_difference(here, built) is None, begin


def test_another_number_beside_it_is_a_difference() -> None:
    other = TIDE.replace("1.21", "1.22")

    for begin in STARTS:
        difference = find_difference(results(TIDE, 120), results(other, begin))
        assert difference, begin
        assert (difference.built, difference.here) == ("1.21", "1.22"), begin


def test_another_time_is_a_difference_unless_each_run_may_have_read_it_from_the_clock() -> None:
    early, late = "measured at 10:02 by 3", "measured at 10:31 by 3"

    assert find_difference(results(early, 600), results(late, 600))
    assert find_difference(results(early, 120), results(late, 600))
    assert find_difference(results(early, 120), results(late, 31 * 60)) is None


def test_as_many_lines_of_a_log_as_there_was_time_for_are_no_difference() -> None:
    built = "10:02:01 begin\n10:02:05 still at it\n10:02:09 still at it\n7.5"

    assert find_difference(results(built, 120), results("10:31:01 begin\n7.5", 31 * 60)) is None


def test_the_line_of_a_difference_is_found_below_a_time() -> None:
    built, here = (f"10:02:01 begin\n2026-11-29 10:02:02 on\nmean {mean}" for mean in (1.5, 2.5))

    difference = find_difference(results(built, 120), results(here, 120))

    assert difference
    assert difference.place == "Cell 1 (`x`), line 3 of its output"
