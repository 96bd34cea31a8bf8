"""A survey reads of most runs no more than their seals, and finds what reading each would find."""

import os
from pathlib import Path
from unittest import mock

import pytest

from notebake import clock
from notebake.aws import kinds, tags
from notebake.aws.inventory import list_kept
from notebake.aws.model import Account
from notebake.ledger.closing import close_if_finished
from notebake.resources import known_runs
from notebake.resources.survey import Scope, Survey, survey
from notebake.runs.account import record_account
from notebake.runs.executing import executing
from notebake.runs.local_rows import LocalRows
from notebake.runs.lock import hold_run
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.runs.run_record import record_place
from notebake.runs.sealed_claims import CLAIMS
from notebake.runs.summaries import summarize_runs
from notebake.timestamps import utc_from_seconds
from tests.cloud_steps import carry_out_to
from tests.cloud_world import REGION, CallRecorder, CloudWorld
from tests.leftovers import expire_lease, launch_more_like, resources_of
from tests.recorded_runs import ended, outcome
from tests.sealed_store import as_remote, begin, execute, seeded_finish

HERE = Account(id="123456789012", partition="aws")
SEALED = tuple(f"tide-{number}" for number in range(4))


@pytest.fixture
def left(world: CloudWorld) -> Run:
    """A run that is sealed although EC2 still has what it made, beside others of its store."""
    run = world.new_run()
    record_account(run, HERE)
    with executing(run):
        carry_out_to(run, "launch_instance")
    expire_lease(run)
    for run_id in SEALED:
        begin(run.store, run_id)
        seeded_finish(run.store, run_id)
    begin(run.store, "tide-elsewhere", Account(id="210987654321", partition="aws"))
    seeded_finish(run.store, "tide-elsewhere")
    assert close_if_finished(execute(run.store, run.id, [outcome(""), ended()], execution="e-9"))
    return run


@pytest.fixture(params=["directory", "remote"])
def _place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "remote":
        as_remote(monkeypatch)


def both_ways(run: Run) -> tuple[Survey, Survey]:
    """Return what a survey finds, by summaries and when each run is read."""
    scope = Scope(regions=(REGION,), store=run.store, before=utc_from_seconds(clock.now()))
    with mock.patch.object(
        known_runs, "read_claims", lambda location: summarize_runs(open_store(location))
    ):
        wanted = survey(scope)
    survey(scope)
    return survey(scope), wanted


@pytest.mark.usefixtures("_place")
def test_what_a_sealed_run_has_left_may_go(left: Run) -> None:
    found, wanted = both_ways(left)

    assert found == wanted
    assert {finding.resource.kind for finding in found.going} >= {"instance", "volume"}
    assert found.elsewhere == ("run tide-elsewhere belongs to the account 210987654321",)


@pytest.mark.usefixtures("_place")
def test_nothing_goes_of_a_sealed_run_that_somebody_has_just_begun_to_execute(left: Run) -> None:
    both_ways(left)
    with hold_run(left):
        found, wanted = both_ways(left)

    assert found == wanted
    assert found.going == ()
    assert any("is being executed by" in each.reason_to_stay for each in found.findings)


@pytest.mark.usefixtures("_place")
def test_what_has_lost_its_tags_is_found_by_its_recorded_id(world: CloudWorld, left: Run) -> None:
    (machine,) = resources_of(left, "instance")
    gone = [{"Key": key} for key in machine.tags if key.startswith("notebake:")]
    world.ec2.delete_tags(Resources=[machine.id], Tags=gone)

    found, wanted = both_ways(left)

    assert found == wanted
    (finding,) = [each for each in found.findings if each.resource.id == machine.id]
    assert finding.resource.tags.get(tags.RUN) is None
    assert finding.ends_at


def test_a_forged_row_lets_nothing_go_that_its_run_does_not_claim(
    world: CloudWorld, left: Run
) -> None:
    (machine,) = resources_of(left, "instance")
    theirs = launch_more_like(world, left)
    both_ways(left)
    rows = LocalRows(record_place(left.store), CLAIMS.name, CLAIMS.format)
    (seal, row) = next(each for each in rows.read().items() if "/tide-1/" in each[0])
    claims = CLAIMS.model.model_validate_json(row)
    forged = claims.model_copy(update={"made_ids": frozenset({theirs})})
    rows.write({seal: forged.model_dump_json()})

    found, wanted = both_ways(left)

    assert machine.id in {finding.resource.id for finding in found.going}
    assert theirs in {finding.resource.id for finding in wanted.findings}
    assert found.going == wanted.going


@pytest.mark.usefixtures("_place")
def test_a_sealed_run_that_cannot_be_read_keeps_what_it_has(left: Run) -> None:
    before, _ = both_ways(left)
    known = {finding.resource.id for finding in before.findings}
    for path in Path(left.store, left.id, "recipes").iterdir():
        path.write_bytes(os.urandom(9))

    found, wanted = both_ways(left)

    assert {finding.resource.id for finding in found.findings} == known
    assert found.going == wanted.going == ()


def test_many_recorded_ids_are_compared_with_what_is_there(
    world: CloudWorld, left: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "MANY_IDS", 3)
    (machine,) = resources_of(left, "instance")
    ids = {machine.id: left.id, **{f"i-{number:017x}": left.id for number in range(9)}}

    with world.intercepting(CallRecorder("DescribeInstances")) as calls:
        found = list_kept(REGION, ids, {})

    assert machine.id in {resource.id for resource in found}
    assert {resource.id for resource in found} & {*ids} == {machine.id}
    assert len(calls.recorded) == 1
