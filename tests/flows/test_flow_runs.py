"""Flow runs as Prefect's server makes them, whose ids begin with the time."""

import datetime
from pathlib import Path

import pytest
from prefect import Flow, flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.flow_engine import run_flow_sync
from prefect.states import Scheduled

from flows.build_image import build_image, open_run
from notebake.errors import PreflightError
from notebake.runs.open_store import open_store
from notebake.runs.registry import list_runs
from tests.cloud_world import CloudWorld, RefusedCall
from tests.flows.ui import artifacts_of, carried_out, now, started_in_ui

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "ocean.yaml"
    path.write_text("name: ocean\nnetwork: {ssh_from: [198.51.100.7/32]}\n")
    return str(path)


@flow(name="begin")
def begin(recipe: str, store: str) -> str:
    return open_run(recipe, "", store).id


def scheduled_together(of: Flow[..., str], parameters: dict[str, str]) -> list[FlowRun]:
    """Return two flow runs as a schedule makes them, for moments a minute apart."""
    minutely = DeploymentScheduleCreate(
        schedule=IntervalSchedule(interval=datetime.timedelta(minutes=1)), active=True
    )
    with get_client(sync_client=True) as client:
        deployment_id = client.create_deployment(
            client.create_flow(of), "minutely", schedules=[minutely], parameters=parameters
        )
        client._client.post(
            f"/deployments/{deployment_id}/schedule", json={"min_runs": 2, "max_runs": 2}
        ).raise_for_status()
        of_it = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
        return client.read_flow_runs(deployment_filter=of_it, limit=2)


def started(of: Flow[..., str], **parameters: str) -> FlowRun:
    """Return a flow run as the UI starts it."""
    with get_client(sync_client=True) as client:
        return client.create_flow_run(of, parameters=parameters, state=Scheduled())


def retried(flow_run: FlowRun) -> FlowRun:
    """Return a flow run as the UI's Retry leaves it."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run.id, Scheduled(name="AwaitingRetry"), force=True)
        return client.read_flow_run(flow_run.id)


def carry(flow_run: FlowRun, of: Flow[..., str], **parameters: str) -> str:
    return str(run_flow_sync(of, flow_run=flow_run, parameters=parameters))


def test_two_flow_runs_are_two_runs_and_a_retry_resumes_its_own(
    recipe: str, tmp_path: Path
) -> None:
    given = {"recipe": recipe, "store": str(tmp_path / "runs")}
    first, second = scheduled_together(begin, given)
    assert first.id.version == second.id.version == 7
    assert str(first.id)[:8] == str(second.id)[:8], "the time at which they were scheduled"

    ids = [carry(flow_run, begin, **given) for flow_run in (first, second)]
    again = carry(retried(first), begin, **given)

    assert again == ids[0] != ids[1]
    kept = {run.id: run.flow_run_id for run in list_runs(open_store(given["store"]))}
    assert kept == {ids[0]: str(first.id), ids[1]: str(second.id)}


def test_a_failed_build_from_the_ui_lists_leftovers_in_its_state_message(
    world: CloudWorld, recipe: str
) -> None:
    given = {"recipe": recipe, "store": str(world.directory / "runs")}
    flow_run = started(build_image, **given)

    with (
        world.intercepting(
            RefusedCall("DescribeSubnets", "UnauthorizedOperation", status=403)
        ) as refuses,
        pytest.raises(PreflightError),
    ):
        carry(flow_run, build_image, **given)

    assert refuses.fired
    (run,) = list_runs(open_store(given["store"]))
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(flow_run.id).state
    assert state
    assert state.message
    assert "UnauthorizedOperation" in state.message
    assert "Nothing is left of the run." in state.message
    assert f"notebake resume {run.id}" in state.message


def test_a_failed_build_of_a_form_shows_what_is_left_and_what_to_press(
    world: CloudWorld, recipe: str
) -> None:
    store = str(world.directory / "runs")
    flow_run = started_in_ui(build_image, recipe_path=recipe, store=store)

    with (
        world.intercepting(
            RefusedCall("DescribeSubnets", "UnauthorizedOperation", status=403)
        ) as refuses,
        pytest.raises(PreflightError),
    ):
        carried_out(flow_run, build_image)

    assert refuses.fired
    state = now(flow_run).state
    assert state
    for text in (str(state.message), *artifacts_of(flow_run)):
        assert "UnauthorizedOperation" in text
        assert "Nothing is left of the run.\nTo go on: press Retry" in text
    assert len(artifacts_of(flow_run)) == 1
