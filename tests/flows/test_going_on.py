"""A flow run whose worker was killed, or only slept: one process executes it, and ends it."""

import functools
import threading
from collections.abc import Callable

import pytest
from prefect import flow
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Abort
from prefect.states import Crashed, Running, Scheduled

from flows.build_image import build_image
from flows.local_prefect.after_crash import EXECUTIONS, MESSAGE
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


def test_where_nothing_lets_it_go_on_it_does_not_say_so() -> None:
    flow_run = started_in_ui(ask)
    set_state(flow_run.id, Running())
    set_state(flow_run.id, Crashed())
    crashed = now(flow_run)
    assert crashed.run_count == 1 < EXECUTIONS
    assert not will_go_on(crashed)
