"""A run store with runs of several accounts: commands act on the current account only."""

import shutil
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake import clock
from notebake.aws.model import Account
from notebake.errors import WrongAccountError
from notebake.resources.survey import Scope, survey
from notebake.resources.sweep import remove
from notebake.runs.account import record_account
from notebake.runs.run import Run
from notebake.timestamps import utc_from_seconds
from tests.cloud_steps import carry_out_to
from tests.cloud_world import REGION, CloudWorld
from tests.leftovers import changing_calls, expire_lease, resource_ids, resources_of

HERE, OTHER = "123456789012", "210987654321"


@pytest.fixture
def runs(world: CloudWorld) -> tuple[Run, Run]:
    """Two dead runs of one store, whose leases are over; the second says that it is another's."""
    both = world.new_run(), world.new_run()
    for run, account in zip(both, (HERE, OTHER), strict=True):
        carry_out_to(run, "launch_instance")
        expire_lease(run)
        record_account(run, Account(id=account, partition="aws"))
    return both


def test_a_sweep_leaves_and_reports_resources_of_another_account_s_run(
    runs: tuple[Run, Run],
) -> None:
    ours, other = runs
    scope = Scope(regions=(REGION,), store=ours.store, before=utc_from_seconds(clock.now()))
    theirs = resource_ids(resources_of(other))

    found = survey(scope)
    remove(found.findings, scope)

    assert found.elsewhere == (f"run {other.id} belongs to the account {OTHER}",)
    reasons = {
        finding.reason_to_stay for finding in found.findings if finding.resource.id in theirs
    }
    assert reasons == {f"its run belongs to the account {OTHER}, which is not this one"}
    assert resources_of(ours) == []
    assert resource_ids(resources_of(other)) == theirs


def test_a_survey_of_such_a_run_is_refused(runs: tuple[Run, Run]) -> None:
    _, other = runs
    scope = Scope(regions=(REGION,), run_id=other.id, store=other.store, before=None)

    with pytest.raises(WrongAccountError, match=f"(?s){OTHER}.*{HERE}"):
        survey(scope)


@pytest.mark.parametrize("command", [["survey"], ["tear-down", "--without-store"]])
def test_commands_for_such_a_run_are_refused_and_change_nothing(
    world: CloudWorld,
    runs: tuple[Run, Run],
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    _, other = runs
    if "--without-store" in command:
        # What is left of a run's folder still says where it was.
        shutil.rmtree(Path(other.store, other.id, "recipes"))
    before = changing_calls(world)

    assert main(["--store", other.store, *command, other.id]) == 1

    read = capsys.readouterr()
    text = " ".join((read.out + read.err).split())
    assert f"belongs to the AWS account {OTHER}" in text
    assert f"to the account {HERE}" in text
    assert "AWS_PROFILE" in text
    assert changing_calls(world) == before


def test_a_tear_down_without_the_store_that_finds_nothing_names_the_places_searched(
    world: CloudWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(world.directory), "tear-down", "gone-1", "--without-store"]) == 0

    output = " ".join(capsys.readouterr().out.split())
    assert f"The AWS account {HERE}" in output
    assert "aws sts get-caller-identity" in output


def test_the_runs_are_listed_with_their_accounts(
    runs: tuple[Run, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", runs[0].store, "history", "list"]) == 0

    output = capsys.readouterr().out.splitlines()
    for run, account in zip(runs, (HERE, OTHER), strict=True):
        assert any(run.id in line and account in line for line in output)
