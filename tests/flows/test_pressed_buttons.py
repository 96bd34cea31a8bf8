"""What happens to a build whose flow run is paused, deleted, cancelled or killed in Prefect."""

import gc
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import ArtifactSort
from prefect.exceptions import ObjectNotFound, Pause
from prefect.flow_engine import run_flow_sync
from prefect.states import Cancelled, Cancelling, Crashed, Suspended

from flows.build_image import build_image
from flows.cancelled_build import show_cancelled
from flows.prefect_ui import unfinished, watching
from flows.prefect_ui.made_image import artifact_key
from flows.prefect_ui.state_message import keep_message
from flows.prefect_ui.unfinished import show_cancelled_removal, show_crashed
from flows.tear_down import tear_down
from notebake.errors import NotebakeError
from notebake.resources.stack_instances import find_builder
from notebake.runs.lock_record import read_lock
from notebake.runs.open_store import open_store
from notebake.runs.registry import list_runs, load_run
from notebake.runs.run import Run
from notebake.waiting import wait_until
from tests.cloud_world import CloudWorld
from tests.flows.ui import artifacts_of, carried_out, now, set_state, started_in_ui

pytestmark = pytest.mark.usefixtures("prefect_server")
RECIPE = "name: ocean\nnetwork: {ssh_from: [198.51.100.7/32]}\n"


@dataclass
class AfterLaunch:
    """Does something once, as soon as a machine was launched."""

    act: Callable[[], object]
    fired: list[str] = field(default_factory=list)

    def before(self, call: Any) -> None:
        del call

    def after(self, call: Any, reply: Any) -> Any:
        if call.action == "RunInstances" and not self.fired and reply.status == 200:
            self.fired.append(call.action)
            self.act()
        return reply


@dataclass
class AfterDescribe(AfterLaunch):
    """Does something once a machine was found that was launched before."""

    def after(self, call: Any, reply: Any) -> Any:
        if call.action == "DescribeInstances" and not self.fired and b"i-" in reply.body:
            self.fired.append(call.action)
            self.act()
        return reply


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.05)


@pytest.fixture
def _collected() -> Iterator[None]:
    """Prefect's observer leaves a connection open if its flow run is gone: close it here."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[StateType, str]]:
    """What the program that outlives its hook would set."""
    kept: list[tuple[StateType, str]] = []
    monkeypatch.setattr(
        unfinished, "set_message_later", lambda _id, wanted, text: kept.append((wanted, text))
    )
    return kept


def write_recipe(world: CloudWorld, more: str = "") -> str:
    path = world.directory / "ocean.yaml"
    path.write_text(RECIPE + more)
    return str(path)


def begun(world: CloudWorld, more: str = "") -> FlowRun:
    """Return a flow run of the form `build`."""
    store = str(world.directory / "runs")
    return started_in_ui(build_image, recipe_path=write_recipe(world, more), store=store)


def run_of(flow_run: FlowRun) -> Run:
    store = open_store(str(flow_run.parameters["store"]))
    (header,) = list_runs(store)
    return load_run(header.id, store)


def message_of(flow_run: FlowRun) -> str:
    state = now(flow_run).state
    return str(state.message) if state else ""


def paused_after_launch(world: CloudWorld, flow_run: FlowRun) -> None:
    pauses = AfterLaunch(lambda: set_state(flow_run.id, Suspended(timeout_seconds=300)))
    with world.intercepting(pauses), pytest.raises(Pause):
        carried_out(flow_run, build_image)
    assert pauses.fired


def deleted_after_launch(world: CloudWorld, flow_run: FlowRun) -> None:
    def delete() -> None:
        with get_client(sync_client=True) as client:
            client.delete_flow_run(flow_run.id)

    deletes = AfterLaunch(delete)
    with world.intercepting(deletes), pytest.raises((NotebakeError, ObjectNotFound)):
        carried_out(flow_run, build_image)

    assert deletes.fired


def test_a_paused_build_stops_and_says_what_it_leaves(world: CloudWorld) -> None:
    flow_run = begun(world)

    paused_after_launch(world, flow_run)

    builder = find_builder(run_of(flow_run))
    assert builder
    state = now(flow_run).state
    assert state
    assert (state.type, state.name) == (StateType.PAUSED, "Suspended")
    assert state.state_details.pause_timeout, "the pause still ends"
    lines = message_of(flow_run).splitlines()
    assert lines[0] == "Paused: no step runs any more."
    assert f"{builder.id} (builder, m6i.large) is " in lines[1]
    assert "To go on: press Resume; once it has failed, Retry" in lines
    assert builder.id in artifacts_of(flow_run)[0]


def test_a_paused_build_lets_go_of_its_run_and_goes_on_with_its_machine(world: CloudWorld) -> None:
    flow_run = begun(world)
    paused_after_launch(world, flow_run)
    lock = read_lock(run_of(flow_run))
    assert lock
    assert lock.is_released
    before = find_builder(run_of(flow_run))

    with get_client(sync_client=True) as client:
        client.resume_flow_run(flow_run.id)
    resumed = now(flow_run)
    set_back = AfterDescribe(lambda: set_state(flow_run.id, Suspended(timeout_seconds=300)))
    with world.intercepting(set_back), pytest.raises(Pause):
        carried_out(resumed, build_image)

    assert set_back.fired
    after = find_builder(run_of(flow_run))
    assert before
    assert after
    assert before.id == after.id
    assert len(list_runs(open_store(str(flow_run.parameters["store"])))) == 1


def test_a_pause_never_tears_down(world: CloudWorld) -> None:
    flow_run = begun(world, "on_failure: tear_down\n")

    paused_after_launch(world, flow_run)

    assert find_builder(run_of(flow_run))


@pytest.mark.usefixtures("_collected")
def test_a_deleted_flow_run_ends_its_build(world: CloudWorld) -> None:
    flow_run = begun(world)

    deleted_after_launch(world, flow_run)

    run = run_of(flow_run)
    text = artifact_text(run)
    assert "The flow run was deleted in Prefect, which ended the bake." in text
    assert f"To go on: run the deployment `resume` with run_id {run.id}" in text
    builder = find_builder(run)
    assert builder
    assert builder.id in text
    lock = read_lock(run)
    assert lock
    assert lock.is_released


def artifact_text(run: Run) -> str:
    """Return the newest artifact with the key of the run, whosever it is."""
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[artifact_key(run)]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
    return str(found[0].data)


@pytest.mark.usefixtures("_collected")
def test_a_deleted_flow_run_is_torn_down_if_the_recipe_wants_that(world: CloudWorld) -> None:
    flow_run = begun(world, "on_failure: tear_down\n")

    deleted_after_launch(world, flow_run)

    assert find_builder(run_of(flow_run)) is None
    assert "Nothing is left of the run." in artifact_text(run_of(flow_run))


def test_a_run_that_was_taken_for_dead_is_shown_alive(world: CloudWorld) -> None:
    flow_run = begun(world)
    seen: list[str] = []

    def is_alive() -> bool | None:
        seen.append(message_of(flow_run))
        return "is alive" in seen[-1] or None

    def take_for_dead() -> None:
        set_state(flow_run.id, Crashed(message="No sign of life"))
        wait_until(is_alive, what="the state to be set back", timeout_seconds=60)
        set_state(flow_run.id, Suspended(timeout_seconds=300))

    acts = AfterLaunch(take_for_dead)
    with world.intercepting(acts), pytest.raises(Pause):
        carried_out(flow_run, build_image)

    assert acts.fired
    assert "It was taken for dead, and is alive." in seen


@pytest.mark.parametrize(("more", "stays"), [("", True), ("on_failure: tear_down\n", False)])
def test_a_cancelled_build_says_what_it_leaves(
    world: CloudWorld, messages: list[tuple[StateType, str]], more: str, stays: bool
) -> None:
    flow_run = begun(world, more)
    paused_after_launch(world, flow_run)  # as a killed process leaves it, but for the run lock
    set_state(flow_run.id, Cancelling())

    show_cancelled(build_image, now(flow_run), Cancelling())

    ((wanted, text),) = messages
    assert wanted == StateType.CANCELLED
    run = run_of(flow_run)
    builder = find_builder(run)
    assert (builder is not None) == stays
    if builder:
        assert text.startswith(f"Cancelled.\n{builder.id} (builder, m6i.large) is ")
        assert f"To remove: run the deployment `tear-down` with run_id {run.id}" in text
    else:
        assert "It was torn down, as its recipe has on_failure: tear_down." in text
        assert "Nothing is left of the run." in text
    assert text in artifacts_of(flow_run)[0]


def test_a_cancelled_tear_down_is_not_begun_again(
    world: CloudWorld, messages: list[tuple[StateType, str]]
) -> None:
    flow_run = begun(world, "on_failure: tear_down\n")
    paused_after_launch(world, flow_run)
    run = run_of(flow_run)
    removal = started_in_ui(tear_down, run_id=run.id, store=run.store)

    show_cancelled_removal(tear_down, removal, Cancelling())

    assert find_builder(run)
    assert "(builder, m6i.large)" in messages[0][1]


def test_a_killed_build_says_what_it_leaves(
    world: CloudWorld, messages: list[tuple[StateType, str]]
) -> None:
    flow_run = begun(world)
    paused_after_launch(world, flow_run)
    killed: State[None] = Crashed(message="Process exited with status code: -9.")
    set_state(flow_run.id, killed)

    show_crashed(build_image, now(flow_run), killed)

    text = message_of(flow_run)
    assert text.startswith("Interrupted. Process exited with status code: -9.\ni-")
    assert "To go on: press Retry" in text
    assert messages == [(StateType.CRASHED, text)]


def test_the_message_is_set_once_the_state_is_reached_and_again() -> None:
    flow_run = started_in_ui(tear_down, run_id="ocean-1")
    kept: list[bool] = []
    keeping = threading.Thread(
        target=lambda: kept.append(keep_message(flow_run.id, StateType.CANCELLED, "ours"))
    )
    keeping.start()
    set_state(flow_run.id, Cancelled(message="Flow run was cancelled successfully."))
    wait_until(
        lambda: message_of(flow_run) == "ours" or None, what="our message", timeout_seconds=60
    )
    set_state(flow_run.id, Cancelled(message="Flow run was cancelled successfully."))
    keeping.join()

    assert kept == [True]
    assert message_of(flow_run) == "ours"


def test_a_flow_run_without_a_run_is_left_alone(messages: list[tuple[StateType, str]]) -> None:
    flow_run = started_in_ui(build_image)

    show_cancelled(build_image, flow_run, Cancelling())

    assert messages == []
    assert artifacts_of(flow_run) == []


def test_the_rest_of_a_retry(world: CloudWorld) -> None:
    """A Retry of a flow run with another state finds the run by the flow run."""
    flow_run = begun(world)
    paused_after_launch(world, flow_run)

    pauses = AfterDescribe(lambda: set_state(flow_run.id, Suspended(timeout_seconds=300)))
    set_state(flow_run.id, Crashed())
    with world.intercepting(pauses), pytest.raises(Pause):
        run_flow_sync(build_image, flow_run=now(flow_run), parameters=flow_run.parameters)

    assert len(list_runs(open_store(str(flow_run.parameters["store"])))) == 1
