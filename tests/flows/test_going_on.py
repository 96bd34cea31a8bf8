"""A flow run whose worker was killed, or only slept: one process executes it, and ends it."""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Abort, ObjectAlreadyExists
from prefect.settings import get_current_settings
from prefect.states import Crashed, Running, Scheduled

from deployments import automations
from deployments.going_on import GOING_ON
from flows.build_image import build_image
from flows.local_prefect.after_crash import AUTOMATION, EXECUTIONS, MESSAGE, POOL
from flows.prefect_ui.going_on import has_gone_on, will_go_on
from notebake import clock
from notebake.local.process import this_process
from notebake.resources.stack_instances import find_builder
from notebake.runs.flow_runs import open_flow_run
from notebake.runs.lock_record import RunLock, lock_key, read_lock
from notebake.runs.open_store import open_store
from notebake.runs.registry import list_runs, load_run
from notebake.runs.run import Run
from tests.cloud_world import CloudWorld
from tests.flows.test_pressed_buttons import AfterLaunch, begun, write_recipe
from tests.flows.ui import artifacts_of, carried_out, now, set_state, started_in_ui

pytestmark = pytest.mark.usefixtures("prefect_server")


class Slept(clock.RealClock):
    """A clock of a machine that has slept, and on which a pause may have a consequence."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.slept_seconds = 0.0
        self.then = then

    def elapsed_with_sleep(self) -> float:
        return super().elapsed_with_sleep() + self.slept_seconds

    def pause(self, seconds: float, stop: threading.Event | None) -> bool:
        if threading.current_thread() is threading.main_thread():
            self.then()
        return super().pause(seconds, stop)


def lock_elsewhere(run: Run, flow_run: FlowRun, seconds: float) -> None:
    """Leave the lock of a process on another machine that executes the same flow run."""
    store = open_store(run.store)
    lock = RunLock(
        holder=f"flow-run-{flow_run.id} another",
        process=this_process().model_copy(update={"boot_id": "of another machine"}),
        since=store.clock(),
        expires_at=store.clock() + seconds,
        seconds=seconds,
    )
    store.write(lock_key(run), lock.content)


def run_of(flow_run: FlowRun) -> Run:
    store = open_store(str(flow_run.parameters["store"]))
    (header,) = list_runs(store)
    return load_run(header.id, store)


def test_a_process_that_wakes_up_leaves_its_flow_run_to_the_one_that_has_it(
    world: CloudWorld,
) -> None:
    flow_run, machine = begun(world), Slept()

    def sleep() -> None:
        lock_elsewhere(run_of(flow_run), flow_run, 3600)
        machine.slept_seconds = 3600

    sleeps = AfterLaunch(sleep)
    with clock.replaced(machine), world.intercepting(sleeps), pytest.raises(Abort):
        carried_out(flow_run, build_image)

    assert sleeps.fired
    state = now(flow_run).state
    assert state
    assert state.is_running(), "the other process says how it ends"
    assert artifacts_of(flow_run) == []
    assert find_builder(run_of(flow_run)), "nothing was removed"
    lock = read_lock(run_of(flow_run))
    assert lock is not None
    assert lock.holder.endswith("another")


def test_a_flow_run_that_another_process_executes_is_left_to_that(world: CloudWorld) -> None:
    flow_run = begun(world)
    store = open_store(str(flow_run.parameters["store"]))
    run = open_flow_run(str(flow_run.id), write_recipe(world), store)
    lock_elsewhere(run, flow_run, 60)
    renews = Slept(functools.partial(lock_elsewhere, run, flow_run, 61))

    with clock.replaced(renews), pytest.raises(Abort):
        carried_out(flow_run, build_image)

    state = now(flow_run).state
    assert state
    assert state.is_running()
    assert find_builder(run) is None


@flow(name="Ask")
def ask() -> str:
    return has_gone_on()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (MESSAGE, "went on by itself after its process or worker was killed (2nd execution)"),
        ("somebody pressed Retry", ""),
    ],
)
def test_a_flow_run_says_that_it_has_gone_on_by_itself(message: str, expected: str) -> None:
    flow_run = started_in_ui(ask)
    assert carried_out(flow_run, ask) == ""
    set_state(flow_run.id, Scheduled(name="AwaitingRetry", message=message))

    assert carried_out(now(flow_run), ask) == expected


@pytest.fixture
def _automation() -> Iterator[None]:
    """What lets flow runs go on, for one test."""
    url = str(get_current_settings().api.url).removesuffix("/api")
    automations.install(url, GOING_ON)
    yield
    automations.pause(url, AUTOMATION)


def of_our_pool() -> FlowRun:
    """Return a flow run of our work pool, as its worker takes it from there."""
    with get_client(sync_client=True) as client:
        with suppress(ObjectAlreadyExists):
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        deployment_id = client.create_deployment(
            client.create_flow(ask), f"deployment {uuid4()}", work_pool_name=POOL
        )
        return client.create_flow_run_from_deployment(deployment_id)


@pytest.mark.usefixtures("_automation")
def test_a_crashed_flow_run_says_that_it_goes_on_until_it_was_executed_often_enough() -> None:
    taken = of_our_pool()
    assert taken.run_count == 0, "the worker's hook has it as it was taken"
    for execution in range(1, EXECUTIONS + 1):
        set_state(taken.id, Running())
        set_state(taken.id, Crashed())
        assert will_go_on(taken) == (execution < EXECUTIONS)


def test_where_nothing_lets_it_go_on_it_does_not_say_so() -> None:
    flow_run = of_our_pool()
    set_state(flow_run.id, Running())
    set_state(flow_run.id, Crashed())
    assert now(flow_run).run_count == 1 < EXECUTIONS
    assert not will_go_on(flow_run)
