"""The crate of a run as the code itself records it: all steps, from a store on S3."""

import pytest

from notebake.reports.crate.entities import COMPLETED
from notebake.runbook.plan import PLAN
from tests.crate.judging import judge, why_not
from tests.crate.reading import Crate, ids
from tests.own_process import report_of


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Crate:
    folder = tmp_path_factory.mktemp("whole")
    written = report_of(
        "tests.crate.whole_run",
        *("--crate", str(folder / "crate")),
        report=folder / "report.json",
    )
    assert written["left_out"] == []
    return Crate(folder / "crate")


def test_every_step_was_carried_out_once(crate: Crate) -> None:
    tries = {each["@id"]: each for each in crate.of_type("CreateAction")}
    tries.pop("#run")

    assert {each.rpartition("-")[0].removeprefix("#try-") for each in tries} <= set(PLAN)
    assert len(tries) > len(PLAN) - 3, "hardly any step has nothing to do"
    assert {each["actionStatus"] for each in tries.values()} == {COMPLETED}
    assert all(each["startTime"] <= each["endTime"] for each in tries.values())
    controls = ids(crate.of_type("OrganizeAction")[0]["object"])
    assert len(controls) == len(tries)


def test_each_stored_file_is_what_a_step_gave(crate: Crate) -> None:
    kept = {each for each in crate.entities if each.startswith("files/")}
    tries = [each for each in crate.of_type("CreateAction") if each["@id"] != "#run"]

    given = {identifier for each in tries for identifier in ids(each.get("result"))}
    assert len(kept) > 10
    assert kept <= given


def test_it_conforms_to_the_profiles(crate: Crate) -> None:
    if reason := why_not():
        pytest.skip(reason)
    verdict = judge(crate.folder)["crate"]

    assert (verdict["skipped"], verdict["issues"]) == ([], [])
