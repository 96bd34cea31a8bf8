"""Scheduled checks that have not come for two periods are told."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

from flows import scheduled_checks
from flows.check_updates import check_updates
from flows.update_image import update_image
from flows.watch_schedules import watch_schedules
from notebake import clock
from notebake.errors import NotebakeError
from notebake.images.updates.update_check import UpdateCheck, keep_check
from notebake.project import PROJECT
from notebake.recipe import Rebake, Recipe
from tests.flows.ui import (
    artifacts_of,
    carried_out,
    now,
    scheduled,
    schedules_of,
    started_in_ui,
)
from tests.recipe_text import dump_recipe
from tests.update_images import place_of

pytestmark = pytest.mark.usefixtures("prefect_server")
TODAY = datetime(2026, 11, 30, 12, tzinfo=UTC)
MONTHLY = CronSchedule(cron="0 6 1 * *", timezone="America/Los_Angeles")
RECIPE = Recipe(name="ocean", rebake=Rebake())


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", TODAY.timestamp)


@pytest.fixture(autouse=True)
def _only_ours() -> Iterator[None]:
    """Remove the deployments of each test: the server is that of all tests."""
    with get_client(sync_client=True) as client:
        before = {each.id for each in client.read_deployments()}
        for each in client.read_deployments():
            for schedule in each.schedules:
                client.update_deployment_schedule(each.id, schedule.id, active=False)
        yield
        for each in client.read_deployments():
            if each.id not in before:
                client.delete_deployment(each.id)


def deployed(directory: Path, schedule: Any = MONTHLY, *, active: bool = True) -> FlowRun:
    """Deploy the update of a recipe by a schedule; return a flow run of the deployment."""
    path = directory / "ocean.yaml"
    path.write_text(dump_recipe(RECIPE))
    rule = DeploymentScheduleCreate(schedule=schedule, active=active)
    return scheduled(update_image, rule, recipe_path=str(path), store=place_of(directory))


def checked(directory: Path, at: datetime, region: str = RECIPE.region) -> None:
    keep_check(UpdateCheck(recipe="ocean", region=region, checked=at), place_of(directory))


def watched() -> tuple[State[Any], str]:
    """Return the last state of the flow, and its artifact."""
    flow_run = started_in_ui(watch_schedules)
    with suppress(NotebakeError):
        carried_out(flow_run, watch_schedules)
    state = now(flow_run).state
    assert state
    return state, "".join(artifacts_of(flow_run))


@pytest.mark.parametrize(
    ("last", "is_overdue"),
    [
        (datetime(2026, 11, 1, 14, 0, 20, tzinfo=UTC), False),
        # The one of 1 November has not come; that of October has.
        (datetime(2026, 10, 1, 13, 0, 20, tzinfo=UTC), False),
        (datetime(2026, 9, 28, tzinfo=UTC), True),
    ],
)
def test_a_check_may_be_missed_once(last: datetime, *, is_overdue: bool, tmp_path: Path) -> None:
    deployed(tmp_path)
    checked(tmp_path, last)
    checked(tmp_path, TODAY - timedelta(days=1), region="eu-west-1")

    state, artifact = watched()

    assert state.is_failed() == is_overdue
    days = (TODAY - last).days
    assert f"last checked {days} d" in artifact
    if is_overdue:
        message = str(state.message)
        assert message.startswith("of 1 schedule of checks 1 did not come for 2 periods")
        assert "ocean in us-west-2, by Update an image/deployment " in message
        assert "(0 6 1 * * America/Los_Angeles): last checked 63 d ago" in message
        assert "due since 2026-10-01 13:00 UTC" in message
        assert "`notebake check RECIPE` asks without Prefect" in message


def test_a_new_deployment_is_given_two_periods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", datetime.now(UTC).timestamp)
    deployed(tmp_path, IntervalSchedule(interval=timedelta(minutes=1)))

    state, artifact = watched()

    assert state.is_completed(), state.message
    assert "never checked" in artifact


def test_a_check_that_never_came_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(tmp_path)
    monkeypatch.setattr(clock, "now", (datetime.now(UTC) + timedelta(days=70)).timestamp)

    state, _ = watched()

    assert state.is_failed()
    assert "never checked, due since" in str(state.message)


def test_what_is_switched_off_is_listed_and_no_failure(tmp_path: Path) -> None:
    deployed(tmp_path, active=False)

    state, artifact = watched()

    assert state.is_completed()
    assert str(state.message) == "0 schedules of checks on, and none overdue"
    assert r"switched off: Update an image/deployment" in artifact


@pytest.mark.parametrize("is_switched_on_later", [True, False])
def test_a_schedule_is_watched_from_when_it_was_switched_on(
    *, is_switched_on_later: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_run = deployed(tmp_path, active=not is_switched_on_later)
    if is_switched_on_later:
        (made,) = schedules_of(flow_run)
        assert made.deployment_id
        with get_client(sync_client=True) as client:
            client.update_deployment_schedule(made.deployment_id, made.id, active=True)
    # Prefect's server has no clock of its own: what it has made was made long ago.
    ago = timedelta(days=100)
    listed = [*map_schedules(ago, updated_too=not is_switched_on_later)]
    monkeypatch.setattr(scheduled_checks, "_list_schedules", lambda _: iter(listed))
    monkeypatch.setattr(clock, "now", datetime.now(UTC).timestamp)

    state, artifact = watched()

    assert "never checked" in artifact
    assert state.is_completed() == is_switched_on_later, state.message


def map_schedules(ago: timedelta, *, updated_too: bool) -> Iterator[Any]:
    """Yield the schedules that Prefect has, as if they had been made earlier."""
    with get_client(sync_client=True) as client:
        found = [*scheduled_checks._list_schedules(client)]
    for (name, deployment), schedule in found:
        assert deployment.created
        assert schedule.created
        assert schedule.updated
        changes = {"created": schedule.created - ago}
        if updated_too:
            changes["updated"] = schedule.updated - ago
        older = deployment.model_copy(update={"created": deployment.created - ago})
        yield (name, older), schedule.model_copy(update=changes)


def test_a_recipe_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    deployed(tmp_path)
    (tmp_path / "ocean.yaml").write_text("name: [")

    state, _ = watched()

    assert state.is_failed()
    assert str(state.message).startswith("of 1 schedule of checks 1 cannot be read")


def test_all_flows_that_keep_checks_are_watched() -> None:
    assert [check_updates.name, update_image.name] == scheduled_checks.FLOWS


def test_the_deployment_is_daily_and_on() -> None:
    deployments = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    (mine,) = [each for each in deployments if each["name"] == "watch-schedules"]

    assert mine["entrypoint"] == "flows/watch_schedules.py:watch_schedules"
    (schedule,) = mine["schedules"]
    assert (schedule["cron"], schedule["active"]) == ("7 6 * * *", True)
