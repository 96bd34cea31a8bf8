"""Runs are sealed when nothing temporary is left, and reopened by whoever continues them."""

from pathlib import Path

import pytest

from flows import tear_down
from flows.build_plan import Plan
from flows.cli.main import main
from flows.step_task import as_undo_task
from notebake.aws import tagging, tags
from notebake.errors import NotebookError, TearDownError
from notebake.images.image_state import current_image
from notebake.ledger.entry import SEAL_KEY
from notebake.ledger.summarize import summarize
from notebake.ledger.summary import Result, Summary
from notebake.ledger.verify import verify_run
from notebake.machines import ssh_access
from notebake.runs.executing import executing
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.runs.run_record import record_place, run_record
from tests import recorded_runs as runs
from tests.cloud_steps import CLOUD_STEPS, carry_out_to
from tests.cloud_world import CloudWorld, RefusedCall
from tests.json_documents import document
from tests.kills.whole_run import Direct
from tests.recorded_runs import write, write_sealed
from tests.store_world import LOCATION, world_with_bucket


@pytest.fixture
def run(world: CloudWorld, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(tear_down, "as_undo_task", lambda step: Direct(as_undo_task(step)))
    monkeypatch.setattr(tear_down, "wait", lambda _futures: None)
    return world.new_run()


PLAN: Plan = {step: () for step in CLOUD_STEPS}


def remove_all(run: Run) -> None:
    """Tear down what the steps of the cloud have made."""
    tear_down.remove_all(run, PLAN)


def accept(run: Run) -> str:
    """Tag the image of the run as accepted, and return its id."""
    image = current_image(run)
    assert image
    tagging.add_tags(run.region, [image.id], {tags.ACCEPTED: "2026-11-29T12:00:00+00:00"})
    return image.id


def launch_and_fail(run: Run) -> None:
    with executing(run):
        carry_out_to(run, "launch_instance")
        raise NotebookError("cell 3 failed")


def seals(run: Run) -> list[str]:
    """Return what lies beside the seals of the run: numbers, and which of them reopen it."""
    place = record_place(run.store)
    keys = [key.removeprefix(place.prefix) for key in place.store.list(f"{place.prefix}_seals/")]
    assert all(SEAL_KEY.fullmatch(key) for key in keys)
    return [key.rpartition("/")[2] for key in keys]


def summary(run: Run) -> Summary:
    return summarize(run.id, run_record(run).chain.entries())


def test_a_bake_that_tore_itself_down_is_sealed_with_its_image(run: Run) -> None:
    with executing(run):
        carry_out_to(run, "wait_for_image")
        image_id = accept(run)
        remove_all(run)

    report = verify_run(record_place(run.store), run.id)
    assert (report.is_sealed, report.findings, report.gaps) == (True, (), ())
    assert seals(run) == [f"{report.count:08}.json"]
    found = summary(run)
    assert found.image
    assert (found.result, found.image.id) == (Result.ACCEPTED, image_id)
    assert found.image.snapshots
    left = {each.id for each in found.created if not each.removed}
    assert left == {image_id}, "the summary shows as removed what is removed"
    assert found.base_image.startswith("ami-")
    assert found.account == "123456789012"


def test_a_failed_bake_is_open_until_it_is_torn_down(run: Run) -> None:
    with pytest.raises(NotebookError):
        launch_and_fail(run)
    assert seals(run) == []

    with executing(run):
        remove_all(run)

    found = summary(run)
    assert (found.result, found.image) == (Result.TORN_DOWN, None)
    assert [each.error for each in found.executions] == ["NotebookError", ""]
    assert len(seals(run)) == 1


def test_a_tear_down_that_left_something_seals_nothing(world: CloudWorld, run: Run) -> None:
    with executing(run):
        ssh_access.ensure_key_pair(run, "builder")
    refused = RefusedCall("DeleteKeyPair", "UnauthorizedOperation", status=403)

    with world.intercepting(refused), pytest.raises(TearDownError), executing(run):
        remove_all(run)

    assert refused.fired
    assert seals(run) == []


def test_a_resumed_run_is_reopened_before_its_first_entry_and_sealed_again(run: Run) -> None:
    with executing(run):
        carry_out_to(run, "wait_for_image")
        image_id = accept(run)
        remove_all(run)
    (first,) = seals(run)
    number = int(first[:8])

    with executing(run):
        assert seals(run) == [first, f"{number + 1:08}-open.json"]
        remove_all(run)

    report = verify_run(record_place(run.store), run.id)
    assert (report.findings, report.gaps) == ((), ())
    assert seals(run) == [first, f"{number + 1:08}-open.json", f"{report.count:08}.json"]
    found = summary(run)
    assert found.image
    assert (found.image.id, len(found.executions)) == (image_id, 2)


def test_the_folder_of_the_seals_is_no_run(run: Run) -> None:
    with executing(run):
        remove_all(run)

    assert open_store(run.store).list_top_level() == (run.id, "record")


def test_a_store_on_s3_lists_shows_and_verifies_as_a_directory_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with world_with_bucket(tmp_path):
        place = record_place(LOCATION)
        write_sealed(place, "ocean-1")
        write_sealed(place, "ocean-2")
        write(place, [runs.executing()], "ocean-2", execution="e-2")

        rows = document(["--store", LOCATION, "history", "list"], capsys)["runs"]
        checked = document(["--store", LOCATION, "history", "verify"], capsys)["runs"]
        assert main(["--store", LOCATION, "history", "show", "ocean-1"]) == 0

    assert [(row["run_id"], row["outcome"]) for row in rows] == [
        ("ocean-1", "accepted"),
        ("ocean-2", "open"),
    ]
    assert [row["state"] for row in checked] == ["intact", "intact"]
    assert "Run ocean-1: accepted" in capsys.readouterr().out
