"""The sweep as a schedule starts it: dry unless it is told to remove."""

import importlib
import logging
from pathlib import Path
from unittest import mock

import pytest
import yaml

from flows.notices import MACHINE_EXPIRED, announce
from flows.sweep import sweep
from notebake.errors import NotebakeError
from notebake.runs.run import Run
from tests.cloud_steps import carry_out_to
from tests.cloud_world import REGION, CloudWorld, RefusedCall
from tests.leftovers import changing_calls, expire_lease, resources_of

pytestmark = pytest.mark.usefixtures("prefect_server")
sweeping = importlib.import_module("flows.sweep")
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def run(world: CloudWorld) -> Run:
    run = world.new_run()
    carry_out_to(run, "open_ssh")
    expire_lease(run)
    return run


def test_the_flow_only_lists_resources_unless_apply_is_set(
    world: CloudWorld,
    run: Run,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = changing_calls(world)
    announced = mock.create_autospec(announce)
    monkeypatch.setattr(sweeping, "announce", announced)

    with caplog.at_level(logging.INFO):
        assert sweep(regions=[REGION], store=run.store) == 2

    (told,) = announced.call_args_list
    assert told.args == (MACHINE_EXPIRED, REGION)
    assert told.kwargs["subject"].startswith("2 resources beyond the lease, and still there: ")
    assert len(told.kwargs["lines"]) == 2
    assert all("a month: expired, proven ours" in line for line in told.kwargs["lines"])
    assert "with apply" in told.kwargs["press"]

    for resource in resources_of(run):
        assert resource.id in caplog.text
    assert changing_calls(world) == before
    assert sweep(regions=[REGION], apply=True, store=run.store) == 2
    assert "of which this sweep removed 2" in announced.call_args.kwargs["subject"]
    assert resources_of(run) == []
    assert sweep(regions=[REGION], store=run.store) == 0
    assert announced.call_count == 2, "nothing is told where nothing has expired"


def test_the_flow_fails_if_something_remains_or_a_region_does_not_answer(
    world: CloudWorld, run: Run
) -> None:
    with world.intercepting(
        RefusedCall("DeleteKeyPair", "UnauthorizedOperation", status=403)
    ) as refuses:
        with pytest.raises(NotebakeError, match="The sweep left: key pair"):
            sweep(regions=[REGION], apply=True, store=run.store)
        assert refuses.fired == 1
    with world.intercepting(
        RefusedCall("DescribeImages", "UnauthorizedOperation", status=403)
    ) as refuses:
        with pytest.raises(NotebakeError, match="could not be searched"):
            sweep(regions=[REGION], store=run.store)
        assert refuses.fired >= 1


def test_the_deployment_is_dry_and_its_schedule_is_paused() -> None:
    deployments = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    (mine,) = [deployment for deployment in deployments if deployment["name"] == "sweep"]

    assert mine["entrypoint"] == "flows/sweep.py:sweep"
    assert mine["parameters"]["apply"] is False
    assert [schedule["active"] for schedule in mine["schedules"]] == [False]
