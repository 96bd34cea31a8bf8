"""The results of one notebook on two machines are compared, and differences explained."""

import json
import random
import re
from typing import Any

import pytest

from notebake.notebook.comparison import find_difference, numbers_match
from notebake.notebook.numbers import CellNumbers, result_numbers
from notebake.notebook.outputs import read_executed
from tests.executed_notebooks import cell, notebook, printed, returned, shown

SUMMARY = """\
                            OLS Regression Results
==============================================================================
Dep. Variable:                      y   R-squared:                       0.978
Date:                Sun, 29 Nov 2026   Prob (F-statistic):           3.21e-45
Time:                        21:08:16   Log-Likelihood:                -12.978
==============================================================================
                 coef    std err          t      P>|t|      [0.025      0.975]
const          0.2149      0.100      2.143      0.037       0.013       0.416
"""
KEPT = (
    printed("mean 0.30000000000000004 of 1234567 rows, 3.14159265358979\n"),
    printed(SUMMARY),
    returned("array([1.23456789, 2.3456789e-12, 0.00012])"),
    shown(content={"text/plain": "     sst\n2019-01-31  14.25\n2019-02-28  13.75"}),
    printed("{'b 2', 'a 1'} [1] -7 +8 12,345,678"),
)


def results(*outputs: dict[str, Any], sources: tuple[str, ...] = ()) -> tuple[CellNumbers, ...]:
    cells = [cell(sources[at] if sources else "x", output) for at, output in enumerate(outputs)]
    return result_numbers(read_executed(notebook(*cells)))


def text_of(output: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return where an output's text stands, and under which key."""
    return (output["data"], "text/plain") if "data" in output else (output, "text")


def test_any_single_changed_digit_is_detected() -> None:
    drawn = random.Random(1)  # noqa: S311 - any digits will do
    built = results(*KEPT)
    circumstances = re.compile(r"29 Nov 2026|21:08:16")
    changed = 0
    while changed < 500:
        outputs = json.loads(json.dumps(KEPT))
        holder, key = text_of(drawn.choice(outputs))
        text = holder[key]
        left_out = {at for match in circumstances.finditer(text) for at in range(*match.span())}
        # What follows a 4 in the last place of a double is its rounding.
        places = [
            match.start() for match in re.finditer(r"\d", text) if match.start() not in left_out
        ]
        at = drawn.choice(places)
        if text[at - 8 : at] == "00000000":
            continue
        other = drawn.choice([digit for digit in "0123456789" if digit != text[at]])
        holder[key] = text[:at] + other + text[at + 1 :]
        assert find_difference(built, results(*outputs)), (text[at - 9 : at + 9], other)
        changed += 1


@pytest.mark.parametrize(
    ("built", "here", "is_one"),
    [
        ("0.30000000000000004", "0.3", True),
        ("0.1", "0.10", True),
        ("1e3", "1000", True),
        ("1.2e-17", "-3.4e-17", True),
        ("1.2e-17", "0.0", True),
        ("3.21e-45", "3.22e-45", False),
        ("12345678901234567", "12345678901234568", False),
        ("-12345678901234567", "-12345678901234568", False),
        ("0012", "+12", True),
        ("-0", "0", True),
        ("-12", "12", False),
        ("1.00000001", "1.00000002", False),
        ("-1", "1", False),
    ],
)
def test_only_floating_point_rounding_is_ignored(built: str, here: str, is_one: bool) -> None:
    assert numbers_match(built, here) is is_one
    assert numbers_match(here, built) is is_one


def test_a_tolerance_is_relative_above_one_and_absolute_below() -> None:
    assert numbers_match("1000", "1009", 0.01)
    assert not numbers_match("1000", "1011", 0.01)
    assert numbers_match("0.001", "-0.004", 0.01)
    assert not numbers_match("0.5", "0.52", 0.01)


def test_a_difference_names_cell_and_line_with_both_values() -> None:
    sources = ("a = 1", "print(a)\nprint(draw())")
    built = results(printed("1"), printed("2\nmean 0.37 mg, 4\n"), sources=sources)
    here = results(printed("1"), printed("2\nmean 0.81 mg, 5\n"), sources=sources)

    difference = find_difference(built, here)

    assert str(difference) == (
        "Cell 2 (`print(a)`), line 2 of its output: 0.37 on the builder, 0.81 here."
        " 2 of 4 numbers differ."
    )


def test_numbers_shown_by_only_one_notebook_are_a_difference() -> None:
    built = results(printed("1"), printed("1 2"), printed("7 8"))
    here = results(printed("1"), printed("1"), printed("7 8"))

    difference = find_difference(built, here)

    assert str(difference) == (
        "Cell 2 (`x`): 2 numbers on the builder, 1 number here. 1 of 5 numbers differ."
    )


def test_the_same_results_are_no_difference() -> None:
    assert find_difference(results(*KEPT), results(*KEPT)) is None
    assert sum(len(result.numbers) for result in results(*KEPT)) > 20
