"""Whole scripted builds whose output is lost: each ends with an image, and its log is whole."""

from typing import Any

import pytest

from tests.faults.lost_output import tried
from tests.own_process import report_of


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each build, all made in a process of their own."""
    report = tmp_path_factory.mktemp("lost-output") / "report.json"
    return report_of("tests.faults.lost_output", report=report)


@pytest.mark.parametrize("way", tried())
def test_a_build_whose_output_is_lost_ends_well(way: str, outcomes: dict[str, Any]) -> None:
    build = outcomes[way]

    assert build["lost"], "its output was lost"
    assert build["error"] == ""
    assert build["accepted"] == 1
    assert build["left"] == []
    assert "nothing temporary is left" in build["log"]
    assert "Not all of the output could be written" in build["log"]
