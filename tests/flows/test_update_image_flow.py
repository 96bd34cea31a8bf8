"""A recipe's image, updated as the Prefect UI or a schedule starts it."""

import datetime
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import Pause
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.states import Completed

from flows import update_image as updating
from flows.build_image import build
from flows.update_image import update_image
from notebake.errors import CapacityError, NotebakeError
from notebake.images.image_state import current_image
from notebake.images.rebake.holding import RebakeInProgressError, holding_rebake
from notebake.images.rebake.mark import count_failures, folder_of, read_mark
from notebake.images.revoke import revoke
from notebake.images.updates import check, tools
from notebake.images.updates.current import find_current
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.installed_packages import check_environment
from notebake.ledger import kinds
from notebake.ledger.closing import close_if_finished
from notebake.project import PROJECT
from notebake.recipe import Rebake, Recipe
from notebake.recipe.file import load_recipe
from notebake.runs.approvals.approval_log import ApprovalLog, open_questions
from notebake.runs.open_store import open_store
from notebake.runs.registry import list_runs, load_run, new_run
from notebake.runs.run import Run
from notebake.runs.run_record import record_place
from sandbox.ec2.state.base_images import RELEASES, image_id
from tests import recorded_runs as runs
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall
from tests.flows.ui import (
    artifacts_of,
    carried_out,
    logged,
    now,
    scheduled,
    schedules_of,
    started_in_ui,
)
from tests.recipe_text import dump_recipe
from tests.update_images import CODE, place_of, store_image

pytestmark = pytest.mark.usefixtures("prefect_server")
TODAY = image_id(RELEASES[0], REGION)
StoreOld = Callable[..., str]
POLICY = Rebake(on=("base", "data", "recipe"), failures=2)
PLAIN = RECIPE.model_copy(update={"volumes": (), "rebake": POLICY})
NEW_IMAGE = "ami-0fedcba9876543210"
SEPTEMBER = "2026-09-01T12:00:00+00:00"


@pytest.fixture(autouse=True)
def _code_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "code_version", lambda: CODE)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """Builds that succeed at once: the record of each run is that of a bake."""
    fake: mock.Mock = mock.create_autospec(build, side_effect=record_bake)
    monkeypatch.setattr(updating, "build", fake)
    return fake


@pytest.fixture
def store_old(world: CloudWorld) -> StoreOld:
    """Store a run with an accepted image, which this cloud really has."""
    elsewhere = open_store(str(world.directory / "elsewhere"))
    run = new_run(PLAIN, "ocean.yaml", elsewhere)
    carry_out_to(run, "wait_for_image")
    image = current_image(run)
    assert image
    return partial(store_image, image_id=image.id)


def record_bake(run: Run) -> State[str]:
    happened = [
        runs.began(run.recipe),
        (kinds.EXECUTING, runs.executing()[1] | {"code": CODE.model_dump()}),
        *runs.call("RunInstances", runs.BUILDER, name="builder-1", ImageId=TODAY),
        *runs.call("CreateImage", NEW_IMAGE, name="image", InstanceId=runs.BUILDER),
        runs.step("publish_image", result=NEW_IMAGE),
        runs.outcome(NEW_IMAGE, accepted=f"{datetime.datetime.now(datetime.UTC).isoformat()}"),
        runs.ended(),
    ]
    close_if_finished(runs.write(record_place(run.store), happened, run.id))
    return Completed(message="accepted", data=NEW_IMAGE)


def fail(run: Run) -> None:
    begin = [runs.began(run.recipe), runs.executing(), runs.ended("CapacityError")]
    runs.write(record_place(run.store), begin, run.id)
    raise CapacityError("no room")


def begun(directory: Path, recipe: Recipe = PLAIN) -> FlowRun:
    """Return a flow run of the form, for a recipe that was written just now."""
    path = directory / "ocean.yaml"
    path.write_text(dump_recipe(recipe))
    return started_in_ui(update_image, recipe_path=str(path), store=place_of(directory))


def carry_out(flow_run: FlowRun) -> State[Any]:
    """Carry it out, and return its last state."""
    with suppress(NotebakeError):
        carried_out(flow_run, update_image)
    state = now(flow_run).state
    assert state
    return state


def rebakes(directory: Path, recipe: Recipe = PLAIN) -> list[str]:
    keys = open_store(place_of(directory)).list(f"{folder_of(recipe)}/runs/")
    return [key.rpartition("/")[2].removesuffix(".json") for key in keys]


def test_nothing_changed_is_no_machine_and_few_calls(
    store_old: StoreOld, world: CloudWorld, built: mock.Mock, tmp_path: Path
) -> None:
    store_old(place_of(tmp_path), PLAIN, base=TODAY)
    before = len(world.actions())
    flow_run = begun(tmp_path)

    state = carry_out(flow_run)

    calls = world.actions()[before:]
    assert 0 < len(calls) <= 20
    assert all(call.startswith(("Describe", "Get")) for call in calls)
    assert state.is_completed()
    message = str(state.message)
    # This image is of an earlier version of notebake: no lists of packages were kept.
    assert message.startswith("changed, but not among the causes that count: repository; not chec")
    (kept,) = Path(place_of(tmp_path)).glob("checks/ocean/*.json")
    assert message.endswith(f"Kept as {kept}")
    assert (now(flow_run).name, now(flow_run).tags) == ("ocean: nothing to bake", ["recipe:ocean"])
    assert not built.called
    assert rebakes(tmp_path) == []
    assert len(list_runs(open_store(place_of(tmp_path)))) == 1


def test_a_rebake_says_what_it_changed(
    store_old: StoreOld, built: mock.Mock, tmp_path: Path
) -> None:
    store = place_of(tmp_path)
    previous = store_old(store, PLAIN, accepted=SEPTEMBER)
    flow_run = begun(tmp_path)

    state = carry_out(flow_run)

    assert state.is_completed(), state.message
    assert str(state.message).startswith(f"{NEW_IMAGE} accepted, 2 changes: base image, repository")
    (run_id,) = rebakes(tmp_path)
    mark = read_mark(run_id, PLAIN, open_store(store))
    assert mark
    assert (mark.previous_run_id, mark.reason) == (previous, "changed: base image")
    (run,) = [call.args[0] for call in built.call_args_list]
    assert run.id == run_id
    assert run.recipe.packages_until
    newest, *others = artifacts_of(flow_run)
    assert "- why it was baked: changed: base image" in newest
    assert "## Base image: changed" in newest
    assert f"| AMI | {runs.BASE_IMAGE} → {TODAY} |" in newest
    assert others[0].startswith("# ocean in us-west-2")
    current = find_current("ocean", REGION, store)
    assert current
    assert (current.image_id, current.run_id) == (NEW_IMAGE, run_id)


def test_a_revoked_image_is_replaced_from_the_base_image(
    store_old: StoreOld, built: mock.Mock, world: CloudWorld, tmp_path: Path
) -> None:
    del world
    store = open_store(place_of(tmp_path))
    from_before = PLAIN.model_copy(update={"rebake": POLICY.model_copy(update={"generations": 3})})
    store_old(store.location, from_before, base=TODAY)
    current = find_current("ocean", REGION, store.location)
    assert current
    assert carry_out(begun(tmp_path, from_before)).name == "Completed"
    assert not built.called
    revoke(current.image_id, REGION, store, reason="a key was in it")

    state = carry_out(begun(tmp_path, from_before))

    assert str(state.message).startswith(f"{NEW_IMAGE} accepted, ")
    (run,) = [call.args[0] for call in built.call_args_list]
    mark = read_mark(run.id, from_before, store)
    assert mark
    revoked = f"{current.image_id} was revoked: a key was in it"
    assert mark.reason == revoked
    assert mark.start.startswith("from the base image: ")
    assert (run.recipe.rebake or POLICY).previous is None


def test_the_first_image_is_baked_and_says_of_which_date_its_packages_are(
    built: mock.Mock, world: CloudWorld, tmp_path: Path
) -> None:
    del world
    store = place_of(tmp_path)

    state = carry_out(begun(tmp_path))

    (run,) = [call.args[0] for call in built.call_args_list]
    until = run.recipe.packages_until
    assert state.is_completed(), state.message
    first = f"{NEW_IMAGE} accepted, the first image of ocean in us-west-2"
    assert state.message == f"{first}, with Python packages as of {until}"
    mark = read_mark(run.id, PLAIN, open_store(store))
    assert mark
    assert (mark.previous_run_id, mark.reason) == ("", "no image of ocean was accepted yet")
    current = find_current("ocean", REGION, store)
    assert current
    assert (current.image_id, current.run_id) == (NEW_IMAGE, run.id)


def test_first_images_that_fail_end_as_rebakes_do(
    built: mock.Mock, world: CloudWorld, tmp_path: Path
) -> None:
    del world
    built.side_effect = fail

    first, second, third = (carry_out(begun(tmp_path)) for _ in range(3))

    stop = "2 rebakes of ocean in a row failed; there is no accepted image"
    assert [each.type for each in (first, second, third)] == [StateType.FAILED] * 3
    assert stop not in str(first.message)
    assert stop in str(second.message)
    assert str(third.message).startswith(stop)
    assert built.call_count == len(rebakes(tmp_path)) == 2


def test_a_recipe_without_a_policy_gets_no_first_image(
    built: mock.Mock, world: CloudWorld, tmp_path: Path
) -> None:
    del world

    state = carry_out(begun(tmp_path, PLAIN.model_copy(update={"rebake": None})))

    assert state.is_completed()
    assert str(state.message).startswith("the recipe has no rebake policy, so that it is baked by")
    assert not built.called


def test_a_first_image_that_wants_an_approval_is_asked_for(
    world: CloudWorld, tmp_path: Path
) -> None:
    del world
    asking = PLAIN.model_copy(update={"approve": ("bake",)})
    with pytest.raises(Pause):
        carried_out(begun(tmp_path, asking), update_image)
    store = place_of(tmp_path)
    (question,) = open_questions(store)
    why, difference = ApprovalLog(store).read_shown(question).evidence
    assert (why.title, why.lines) == (
        "Why it would be baked",
        ("no image of ocean was accepted yet",),
    )
    assert "there is nothing to compare with" in difference.lines[0]

    state = carry_out(begun(tmp_path, asking))

    assert str(state.message).startswith(f"Question {question.number} of run {question.run_id} is")
    assert rebakes(tmp_path, asking) == [question.run_id]


def test_what_is_held_back_stands_in_every_report(
    store_old: StoreOld, built: mock.Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_old(place_of(tmp_path), PLAIN, accepted=SEPTEMBER)
    too_new = Change(name="xarray", old="2026.9", new="2026.11", detail="3 days old (2026-11-27)")
    direct = CauseFinding(cause="direct", state="unchanged", held_back=(too_new,))
    transitive = CauseFinding(cause="transitive", state="unchanged")
    answered = mock.create_autospec(check_environment, return_value=(direct, transitive))
    monkeypatch.setitem(check.QUESTIONS, ("direct", "transitive"), answered)
    shown = "held back: xarray 2026.11, 3 days old (2026-11-27)"
    flow_run = begun(tmp_path)

    baked = carry_out(flow_run)
    not_baked = carry_out(begun(tmp_path))

    assert f"; {shown}" in str(baked.message)
    assert f"; {shown}. Kept as " in str(not_baked.message)
    difference, checked = artifacts_of(flow_run)
    assert f"- {shown}" in difference
    assert f"- {shown}" in checked
    (run,) = [call.args[0] for call in built.call_args_list]
    mark = read_mark(run.id, run.recipe, open_store(run.store))
    assert mark
    assert mark.held_back == ("xarray 2026.11, 3 days old (2026-11-27)",)


def test_retry_goes_on_with_the_same_run_and_date(
    store_old: StoreOld, built: mock.Mock, tmp_path: Path
) -> None:
    store_old(place_of(tmp_path), PLAIN, accepted=SEPTEMBER)
    flow_run = begun(tmp_path)
    built.side_effect = CapacityError("no room")
    assert carry_out(flow_run).type == StateType.FAILED
    built.side_effect = record_bake
    store = open_store(place_of(tmp_path))
    (run_id,) = rebakes(tmp_path)
    date = load_run(run_id, store).recipe.packages_until

    state = carry_out(now(flow_run))

    assert str(state.message).startswith(f"{NEW_IMAGE} accepted, 2 changes")
    assert rebakes(tmp_path) == [run_id]
    assert date
    assert load_run(run_id, store).recipe.packages_until == date
    assert [call.args[0].id for call in built.call_args_list] == [run_id] * 2


def test_retry_begins_the_run_that_was_killed_while_it_began(
    store_old: StoreOld, built: mock.Mock, tmp_path: Path
) -> None:
    store_old(place_of(tmp_path), PLAIN, accepted=SEPTEMBER)
    flow_run = begun(tmp_path)
    built.side_effect = CapacityError("no room")
    assert carry_out(flow_run).type == StateType.FAILED
    store = open_store(place_of(tmp_path))
    (run_id,) = rebakes(tmp_path)
    store.delete(f"{run_id}/run.json")
    built.side_effect = record_bake

    assert carry_out(now(flow_run)).type == StateType.COMPLETED

    assert rebakes(tmp_path) == [run_id]
    assert run_id in [header.id for header in list_runs(store)], "survey and sweep know it"


def test_failed_rebakes_leave_the_image_and_end(
    store_old: StoreOld, world: CloudWorld, tmp_path: Path
) -> None:
    store = place_of(tmp_path)
    old = store_old(store, PLAIN, accepted=SEPTEMBER)
    refused = RefusedCall("RunInstances", "InvalidParameterCombination", status=400)

    with world.intercepting(refused):
        first, second, third = (carry_out(begun(tmp_path)) for _ in range(3))

    current = find_current("ocean", REGION, store)
    assert current
    assert current.run_id == old
    stop = f"2 rebakes of ocean in a row failed; {current.image_id} stays as it is"
    assert [each.type for each in (first, second, third)] == [StateType.FAILED] * 3
    assert stop not in str(first.message)
    assert stop in str(second.message)
    assert str(third.message).startswith(stop)
    assert len(rebakes(tmp_path)) == 2


def test_too_many_failures_switch_off_the_schedules_of_the_recipe(
    store_old: StoreOld, built: mock.Mock, tmp_path: Path
) -> None:
    store_old(place_of(tmp_path), PLAIN, accepted=SEPTEMBER)
    path = begun(tmp_path).parameters["recipe_path"]
    monthly = CronSchedule(cron="0 6 1 * *", timezone="America/Los_Angeles")
    other = {"recipe_path": "", "recipe": "deployments/rehearsal.yaml"}
    flow_run = scheduled(
        update_image,
        DeploymentScheduleCreate(schedule=monthly, active=True),
        DeploymentScheduleCreate(schedule=monthly, active=True, parameters=other),
        recipe_path=path,
        store=place_of(tmp_path),
    )
    built.side_effect = fail
    carry_out(begun(tmp_path))
    assert [each.active for each in schedules_of(flow_run)] == [True, True]

    state = carry_out(flow_run)

    assert state.type == StateType.FAILED
    mine, others = sorted(schedules_of(flow_run), key=lambda each: len(each.parameters))
    assert (mine.active, others.active) == (False, True)
    message = str(state.message)
    assert "2 rebakes of ocean in a row failed" in message
    assert "Its schedule was switched off in Prefect." in message
    assert "prefect deployment schedule resume 'Update an image/deployment " in message
    assert message.endswith(f"' {mine.id}")
    assert any("Its schedule was switched off" in each for each in artifacts_of(flow_run))
    with get_client(sync_client=True) as client:
        assert mine.deployment_id
        client.update_deployment_schedule(mine.deployment_id, mine.id, active=True)
        again = client.create_flow_run_from_deployment(mine.deployment_id)
    ended = carry_out(again)
    assert str(ended.message).startswith("2 rebakes of ocean in a row failed")
    assert [each.active for each in schedules_of(again)].count(True) == 1


def test_the_end_of_rebakes_is_an_error_in_the_log(
    store_old: StoreOld, built: mock.Mock, tmp_path: Path
) -> None:
    store_old(place_of(tmp_path), PLAIN, accepted=SEPTEMBER)
    built.side_effect = fail
    for _ in range(2):
        carry_out(begun(tmp_path))
    flow_run = begun(tmp_path)

    carry_out(flow_run)

    found = logged(flow_run, until="in a row failed")
    assert any(level == 40 and "2 rebakes of ocean" in message for level, message in found)


def test_a_changed_recipe_or_a_success_ends_the_row(
    store_old: StoreOld, built: mock.Mock, tmp_path: Path
) -> None:
    store = place_of(tmp_path)
    store_old(store, PLAIN, accepted=SEPTEMBER)

    built.side_effect = fail
    for _ in range(2):
        carry_out(begun(tmp_path))
    current = find_current("ocean", REGION, store)
    assert count_failures(PLAIN, current, store) == 2
    assert count_failures(PLAIN.model_copy(update={"jupyter_port": 9999}), current, store) == 0

    store_old(store, PLAIN, accepted=f"{datetime.datetime.now(datetime.UTC).isoformat()}")
    assert count_failures(PLAIN, find_current("ocean", REGION, store), store) == 0


def test_of_two_rebakes_the_second_ends_at_once(
    store_old: StoreOld, built: mock.Mock, tmp_path: Path
) -> None:
    store_old(place_of(tmp_path), PLAIN, accepted=SEPTEMBER)
    seen: list[State[Any]] = []

    def bake_during(run: Run) -> State[str]:
        other = threading.Thread(target=lambda: seen.append(carry_out(begun(tmp_path))))
        other.start()
        other.join()
        return record_bake(run)

    built.side_effect = bake_during

    state = carry_out(begun(tmp_path))

    assert state.is_completed(), state.message
    (second,) = seen
    assert second.is_completed()
    assert second.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        shown = client.read_flow_run(second.state_details.flow_run_id)
    assert shown.name == "ocean: another rebake in progress"
    assert str(second.message).startswith("another rebake of ocean in us-west-2 is in progress: ")
    assert len(rebakes(tmp_path)) == 1


def test_the_right_to_rebake_is_of_one_recipe_in_one_region(tmp_path: Path) -> None:
    store = place_of(tmp_path)
    elsewhere = PLAIN.model_copy(update={"region": "eu-west-1"})

    with holding_rebake(PLAIN, store):
        with holding_rebake(elsewhere, store):
            pass
        with pytest.raises(RebakeInProgressError), holding_rebake(PLAIN, store):
            pass
    with holding_rebake(PLAIN, store):
        pass


def test_what_the_flow_itself_logs_is_shown_as_a_worker_loads_it(tmp_path: Path) -> None:
    loaded: Flow[..., Any] = load_flow_from_entrypoint(
        f"{PROJECT}/flows/update_image.py:update_image"
    )
    assert loaded.fn.__module__ != updating.__name__
    recipe = tmp_path / "ocean.yaml"
    recipe.write_text(dump_recipe(PLAIN.model_copy(update={"rebake": None})))
    flow_run = started_in_ui(loaded, recipe_path=str(recipe), store=place_of(tmp_path))

    carried_out(flow_run, loaded)

    decision = "keep: the recipe has no rebake policy, so that it is baked by hand only"
    assert (20, decision) in logged(flow_run, until="keep: ")


def test_what_cannot_be_asked_is_no_success(
    store_old: StoreOld, built: mock.Mock, tmp_path: Path
) -> None:
    recipe = PLAIN.model_copy(update={"rebake": Rebake(on=("security",))})
    store_old(place_of(tmp_path), recipe, base=TODAY)

    state = carry_out(begun(tmp_path, recipe))

    assert state.type == StateType.FAILED
    assert str(state.message).startswith("Not decided: security cannot be asked: ")
    assert not built.called


def test_the_deployment_is_monthly_and_waits_until_somebody_wants_it() -> None:
    deployments = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    (mine,) = [each for each in deployments if each["name"] == "update-rehearsal"]

    assert mine["entrypoint"] == "flows/update_image.py:update_image"
    assert load_recipe(PROJECT / mine["parameters"]["recipe"]).rebake
    (schedule,) = mine["schedules"]
    assert (schedule["timezone"], schedule["active"]) == ("America/Los_Angeles", False)


def test_no_deployment_has_a_limit_whose_lease_would_end_a_bake_with_the_server() -> None:
    deployments = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]

    assert len(deployments) > 10
    assert [each["name"] for each in deployments if "concurrency_limit" in each] == []


def test_a_limit_of_before_is_gone_after_the_next_deployment() -> None:
    with get_client(sync_client=True) as client:
        flow_id, name = client.create_flow(update_image), f"deployment {uuid4()}"
        limited = client.create_deployment(flow_id, name, concurrency_limit=1)
        assert client.read_deployment(limited).global_concurrency_limit

        # As `prefect deploy` does it (prefect/deployments/runner.py, prefect 3.8.8).
        again = client.create_deployment(flow_id, name, concurrency_limit=None)

        assert again == limited
        assert client.read_deployment(again).global_concurrency_limit is None


def test_while_an_approval_is_open_no_rebake_is_begun(store_old: StoreOld, tmp_path: Path) -> None:
    store = place_of(tmp_path)
    store_old(store, PLAIN, accepted=SEPTEMBER)
    asking = PLAIN.model_copy(update={"approve": ("bake",)})
    with pytest.raises(Pause):
        carried_out(begun(tmp_path, asking), update_image)
    (question,) = open_questions(store)
    shown = ApprovalLog(store).read_shown(question)
    assert [each.title for each in shown.evidence][:2] == [
        "Why it would be baked",
        "What differs from the image before",
    ]
    assert shown.evidence[0].lines[0].startswith("changed: base image")
    assert any(each.title == "Base image: changed" for each in shown.evidence)

    state = carry_out(begun(tmp_path, asking))

    assert state.is_completed()
    assert str(state.message).startswith(f"Question {question.number} of run {question.run_id} is")
    assert rebakes(tmp_path, asking) == [question.run_id]
    current = find_current("ocean", REGION, store)
    assert count_failures(asking, current, store) == 0, "nobody has approved it: it did not fail"
