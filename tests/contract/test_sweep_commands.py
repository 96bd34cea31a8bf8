"""Output of sweep, survey, and of a tear-down without the run store."""

import json
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.aws import tags
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.runs.summaries import has_run
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall
from tests.leftovers import (
    add_tags,
    changing_calls,
    expire_lease,
    launch_more_like,
    resource_ids,
    resources_of,
)


@pytest.fixture
def run(world: CloudWorld) -> Run:
    run = world.new_run()
    carry_out_to(run, "launch_instance")
    expire_lease(run)
    return run


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """A run store that knows nothing of the run."""
    return str(tmp_path / "elsewhere")


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def output_of(capsys: pytest.CaptureFixture[str]) -> str:
    read = capsys.readouterr()
    return read.out + read.err


def test_a_dry_sweep_prints_costs_and_the_command_to_apply(
    world: CloudWorld, run: Run, elsewhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = changing_calls(world)

    assert main(["--store", elsewhere, "sweep"]) == 0

    output = output_of(capsys)
    for resource in resources_of(run):
        assert resource.id in output
    assert "Expired, and proven ours" in output
    assert "In all about $" in output
    assert "Nothing was removed" in output
    assert f"notebake --store {elsewhere} sweep --apply" in output
    assert changing_calls(world) == before
    assert not Path(elsewhere).exists()


def test_no_table_is_wider_than_a_narrow_terminal(
    world: CloudWorld, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    launch_more_like(world, run)

    assert main(["--store", run.store, "sweep"]) == 0

    rows = [line for line in output_of(capsys).splitlines() if line.startswith("    ")]
    assert len(rows) > 5
    assert max(map(len, rows)) <= 80


def test_an_applied_sweep_removes_and_reports(
    run: Run, elsewhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    there = resource_ids(resources_of(run))

    assert main(["--store", elsewhere, "sweep", "--apply"]) == 0

    output = output_of(capsys)
    assert resources_of(run) == []
    for resource_id in there:
        assert resource_id in output.split("In all")[1]
    assert f"{len(there)} removed; nothing else was to be removed" in output


def test_an_incomplete_sweep_names_what_remains_and_fails(
    world: CloudWorld, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with world.intercepting(
        RefusedCall("DeleteKeyPair", "UnauthorizedOperation", status=403)
    ) as refuses:
        assert main(["--store", run.store, "sweep", "--apply"]) == 1

    assert refuses.fired == 1
    output = " ".join(output_of(capsys).split())
    assert f"The sweep left: key pair {resources_of(run, 'key pair')[0].id}" in output
    assert "Try again with: notebake" in output


def test_a_sweep_with_an_unreachable_region_fails(
    world: CloudWorld, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with world.intercepting(
        RefusedCall("DescribeImages", "UnauthorizedOperation", status=403)
    ) as refuses:
        assert main(["--store", run.store, "sweep"]) == 1

    assert refuses.fired >= 1
    assert "These regions could not be searched" in output_of(capsys)


@pytest.mark.usefixtures("world")
def test_an_empty_sweep_names_the_places_searched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["sweep", "--region", REGION, "--region", "us-east-1"]) == 0

    assert f"Nothing of any run in {REGION}, us-east-1" in output_of(capsys)


def test_all_regions_are_those_of_the_account(
    world: CloudWorld, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["survey", "--all-regions"]) == 0

    looked = {call.region for call in world.sandbox.calls("DescribeInstances")}
    assert len(looked) > 10
    assert resources_of(run, "instance")[0].id in output_of(capsys)


def test_a_survey_shows_ownership_keep_tags_and_acceptance(
    world: CloudWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    run = world.new_run(RECIPE)
    carry_out_to(run, "wait_for_image")
    launch_more_like(world, run)
    add_tags(resources_of(run, "image")[0].id, accepted="2026-11-23")
    add_tags(resources_of(run, "key pair")[0].id, keep="mine")

    assert main(["--store", run.store, "survey", run.id]) == 0

    output = output_of(capsys)
    for reason in (
        "Stays: accepted, it is the result of the run",
        "Stays: a copy, not ours: its notebake:token is that of another launch",
        "Stays: it is tagged notebake:keep",
        "Stays: still within its lease, until ",
    ):
        assert reason in output


def test_a_run_unknown_to_the_store_is_torn_down_only_after_confirmation(
    world: CloudWorld, run: Run, elsewhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = changing_calls(world)

    assert main(["--store", elsewhere, "tear-down", run.id]) == 1

    output = " ".join(output_of(capsys).split())
    assert f"There is no run {run.id}" in output
    assert "whether it is being executed right now is unknown" in output
    assert f"tear-down {run.id} --without-store" in output
    assert changing_calls(world) == before


def test_a_tear_down_without_the_store_removes_proven_resources_within_their_lease(
    world: CloudWorld, elsewhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other = world.new_run(), world.new_run()
    carry_out_to(run, "launch_instance")
    carry_out_to(other, "open_ssh")
    copy = launch_more_like(world, run)

    assert main(["--store", elsewhere, "tear-down", run.id, "--without-store"]) == 0

    left = resources_of(run)
    assert copy in resource_ids(left)
    assert {resource.kind for resource in left if copy not in (resource.id, *resource.owners)} == {
        "key pair",
        "security group",
    }
    assert len(resources_of(other)) == 2, "another run's things are not touched"
    assert "a copy, not ours" in output_of(capsys)


def test_a_tear_down_without_the_store_leaves_an_accepted_image(
    world: CloudWorld, elsewhere: str
) -> None:
    run = world.new_run()
    carry_out_to(run, "wait_for_image")
    add_tags(resources_of(run, "image")[0].id, accepted="2026-11-23")

    assert main(["--store", elsewhere, "tear-down", run.id, "--without-store"]) == 0

    assert sorted(resource.kind for resource in resources_of(run)) == [
        "image",
        "snapshot",
        "snapshot",
    ]


def test_a_store_that_has_the_run_is_always_used(run: Run, elsewhere: str) -> None:
    assert has_run(run.id, open_store(run.store))
    assert not has_run(run.id, open_store(elsewhere))
    assert not has_run("../outside", open_store(run.store))


def test_the_scheduler_role_may_terminate_only_our_unkept_machines() -> None:
    path = Path(__file__).parents[2] / "deployments" / "scheduler-role.json"
    role = json.loads(path.read_text(encoding="utf-8"))
    (trust,) = role["TrustPolicy"]["Statement"]
    (may,) = role["Policy"]["Statement"]

    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert may["Action"] == "ec2:TerminateInstances"
    assert may["Condition"]["Null"] == {
        f"aws:ResourceTag/{tags.RUN}": "false",
        f"aws:ResourceTag/{tags.KEEP}": "true",
    }
