"""A run that is killed anywhere, or whose answers are lost anywhere, ends as if nothing had been.

`make kills` and `make test-all` try every point; `make test` tries what launches the builder or
makes an image, and of the rest a share that a seed draws anew each day.
`python -m tests.kills --point N --case C` shows one trial with its log.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.draw import has_everything
from tests.own_process import report_of

FEWEST = {
    "killed before it": 100,
    "killed after its effect, before the answer": 100,
    "killed after the answer": 100,
    "answer lost once": 40,
    "no answer to any try": 30,
    "killed, and killed again on resuming": 10,
    "killed and never resumed": 20,
}
"""So many cases of each kind there are at least: a test that killed nothing proves nothing."""
FEWEST_IN_A_SHARE = 2
"""The launch of the builder and the image are tried each day, in every way."""
EARLY = ("--step", "launch_instance", "--case", "after")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of one sweep."""
    return sweep_to(
        tmp_path_factory.mktemp("kills") / "report.json", *([] if has_everything() else ["--share"])
    )


def sweep_to(report: Path, *options: str) -> dict[str, Any]:
    """Sweep in a process of its own."""
    return report_of("tests.kills", *options, report=report)


def line(swept: dict[str, Any], case: str) -> dict[str, Any]:
    return next(entry for entry in swept["lines"] if entry["case"] == case)


def test_a_run_survives_a_kill_or_lost_answer_at_every_point(
    swept: dict[str, Any], record_property: Any
) -> None:
    record_property("table", swept["text"])
    assert not swept["failed"], "\n".join(swept["failed"])
    total = line(swept, "all")
    assert total["completed"] == total["cases"]


def test_nothing_is_duplicated_or_left_behind(swept: dict[str, Any]) -> None:
    total = line(swept, "all")
    assert (total["doubled"], total["left"], swept["left"]) == (0, 0, [])


def test_the_record_has_each_call_that_the_cloud_has_seen(swept: dict[str, Any]) -> None:
    assert line(swept, "all")["record"] == 0


@pytest.mark.parametrize("case", FEWEST)
def test_every_kind_of_case_was_tried_often_enough(swept: dict[str, Any], case: str) -> None:
    assert line(swept, case)["cases"] >= (FEWEST[case] if has_everything() else FEWEST_IN_A_SHARE)


def test_a_lost_answer_is_recovered_without_a_resume(swept: dict[str, Any]) -> None:
    lost = line(swept, "answer lost once")
    assert lost["by_itself"] == lost["cases"]


def test_a_sabotaged_launch_is_detected(tmp_path: Path) -> None:
    found = sweep_to(tmp_path / "report.json", "--sabotage", *EARLY, "--every", "3")
    assert line(found, "all")["doubled"] > 0
    assert any("of instance builder-1" in failure for failure in found["failed"])


def test_a_call_that_is_not_recorded_and_an_entry_that_is_lost_are_found(tmp_path: Path) -> None:
    found = sweep_to(tmp_path / "report.json", "--sabotage-record", *EARLY, "--every", "6")
    failures = "\n".join(found["failed"])
    assert line(found, "all")["record"] > 0
    assert "ec2 RunInstances was sent without an entry" in failures
    assert "was acknowledged and is lost" in failures
    assert "does not name the hash of the entry before it" in failures
