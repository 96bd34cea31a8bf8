"""The truth table on what real hosts showed; tests/sandbox/test_idle_truth.py asks them anew."""

import pytest

from tests.idle.__main__ import DOCUMENT, with_table
from tests.idle.cases import CASES
from tests.idle.peers import PEERS
from tests.idle.recording import CHECKS, FOLDER, IDLE_SECONDS, kept_recording
from tests.idle.table import OURS, Row, rows, score

TABLE = list(rows())


def test_each_case_is_recorded_and_each_recording_is_of_a_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {case.name for case in CASES}
    for case in CASES:
        checks = kept_recording(case.name).checks
        assert len(checks) == CHECKS
        assert checks[-1].signals.taken - checks[0].signals.taken > IDLE_SECONDS


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.case.name)
def test_by_our_rule_it_stops_where_nobody_uses_it_and_nowhere_else(row: Row) -> None:
    assert row.found[OURS] is row.case.stops


def test_both_outcomes_are_tried() -> None:
    assert sum(row.case.stops for row in TABLE) > 8
    assert sum(not row.case.stops for row in TABLE) > 8


@pytest.mark.parametrize("name", PEERS)
def test_each_other_rule_is_wrong_about_something(name: str) -> None:
    assert score(TABLE, name) != (0, 0), "then it would be ours"
    assert {row.found[name] for row in TABLE} == {True, False}, "it decides something"


def test_the_table_in_the_document_is_that_of_the_recordings() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    assert with_table(text) == text, "python -m tests.idle --write"
