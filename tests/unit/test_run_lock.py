import contextvars
import functools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notebake import clock
from notebake.aws.execution import check_run_lock
from notebake.errors import RunLockedError
from notebake.local.process import this_process
from notebake.recipe import Recipe
from notebake.runs.held_lock import hold
from notebake.runs.lock import ExecutedElsewhereError, RunLostError, hold_run
from notebake.runs.lock_record import RunLock, place_of, read_lock
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from tests.limits import HANG_SECONDS
from tests.store_world import hold_run_at_once

NOON = 1_800_000_000.0
HOLDER = """
import sys, time
from notebake import clock
from notebake.runs.lock import hold_run
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run
run = load_run(sys.argv[1], open_store(sys.argv[2]))
class Ahead(clock.RealClock):
    def now(self):
        return time.time() + float(sys.argv[3])
with clock.replaced(Ahead()), hold_run(run, seconds=3600):
    print("held", flush=True)
    time.sleep(600)
"""


class SetClock(clock.RealClock):
    """A clock that stands where a test sets it, awake or not."""

    def __init__(self, moment: float) -> None:
        self.moment = moment
        self.slept_seconds = 0.0

    def now(self) -> float:
        return self.moment + self.slept_seconds

    def elapsed_with_sleep(self) -> float:
        return super().elapsed_with_sleep() + self.slept_seconds


@contextmanager
def clock_set(moment: float = NOON) -> Iterator[SetClock]:
    chosen = SetClock(moment)
    with clock.replaced(chosen):
        yield chosen


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(Recipe(name="ocean"), "ocean.yaml", open_store(str(tmp_path)))


@contextmanager
def other_execution(run: Run, ahead_seconds: float = 0) -> Iterator[subprocess.Popen[str]]:
    """A second process that holds the run until it is killed."""
    command = [sys.executable, "-c", HOLDER, run.id, run.store, str(ahead_seconds)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
    finally:
        child.kill()
        child.communicate()


def test_a_second_execution_is_refused_and_names_the_holder(run: Run) -> None:
    with other_execution(run) as child:
        with (
            pytest.raises(RunLockedError, match=f"process {child.pid} on") as caught,
            hold_run(run),
        ):
            pass
        assert f"kill {child.pid}" in caught.value.hint


def test_a_second_execution_in_the_same_process_is_refused(run: Run) -> None:
    with hold_run(run), pytest.raises(RunLockedError), hold_run(run):
        pass


@pytest.mark.parametrize("is_reaped", [True, False])
def test_the_lock_of_a_killed_process_is_taken_over_at_once(run: Run, is_reaped: bool) -> None:
    with other_execution(run) as child:
        child.kill()
        if is_reaped:
            child.wait()
        else:
            wait_until_zombie(child.pid)
        with hold_run(run) as lease:
            assert lease.process == this_process()
            check_run_lock()


@pytest.mark.parametrize(
    "change", [{"boot_id": "of another machine"}, {"pid_namespace": "pid:[1]"}]
)
def test_a_process_that_is_not_visible_here_counts_as_alive(
    run: Run, change: dict[str, str]
) -> None:
    leave_lease(run, change, expires_at=NOON + 60)
    with clock_set(), pytest.raises(RunLockedError), hold_run(run):
        pass


def test_a_reused_process_id_does_not_hold_the_lock(run: Run) -> None:
    leave_lease(run, {"started": "1"}, expires_at=NOON + 60)
    with clock_set(), hold_run(run) as lease:
        assert read_lock(run) == lease


def test_an_expired_lock_is_taken(run: Run) -> None:
    leave_lease(run, {"boot_id": "of another machine"}, expires_at=NOON + 60)
    with clock_set(NOON + 60), hold_run(run) as lease:
        assert read_lock(run) == lease


def test_one_of_many_contenders_gets_an_expired_lock(run: Run) -> None:
    leave_lease(run, {"boot_id": "of another machine"}, expires_at=0)
    assert sorted(hold_run_at_once(run, 6)) == ["held"] + ["refused"] * 5


def test_a_holder_that_slept_too_long_loses_the_lock(run: Run) -> None:
    with clock_set(time.time()) as laptop, hold_run(run):
        with other_execution(run, ahead_seconds=3600):
            check_run_lock()
            laptop.slept_seconds = 3600
            with pytest.raises(RunLostError, match="holds it"):
                check_run_lock()
        taken = read_lock(run)
    assert read_lock(run) == taken, "a lease that is another's is not released"


def test_a_holder_that_slept_keeps_an_uncontested_lock(run: Run) -> None:
    with clock_set() as laptop, hold_run(run):
        laptop.slept_seconds = 3600
        check_run_lock()
        lease = read_lock(run)
        assert lease is not None
        assert lease.expires_at > NOON + 3600


def test_a_holder_with_a_fresh_lock_does_not_read_the_store(run: Run, tmp_path: Path) -> None:
    with hold_run(run):
        lease_file = tmp_path / run.id / "lease.json"
        lease_file.rename(tmp_path / "elsewhere")
        check_run_lock()
        assert not lease_file.exists(), "or the check would raise"
        (tmp_path / "elsewhere").rename(lease_file)


def test_the_lock_is_visible_only_in_threads_with_its_context(run: Run) -> None:
    are_held: list[bool] = []

    def ask() -> None:
        try:
            check_run_lock()
            are_held.append(True)
        except RunLostError:
            are_held.append(False)

    with clock_set() as laptop, hold_run(run):
        laptop.slept_seconds = 3600
        leave_lease(run, {"boot_id": "of another machine"}, expires_at=NOON + 9999)
        for target in (ask, functools.partial(contextvars.copy_context().run, ask)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert are_held == [True, False]


def test_the_lock_is_renewed_while_it_is_held(run: Run) -> None:
    with hold_run(run, seconds=0.2) as lease:
        seen = {lease.expires_at}
        deadline = time.monotonic() + HANG_SECONDS
        while len(seen) < 4 and time.monotonic() < deadline:
            now = read_lock(run)
            assert now is not None
            seen.add(now.expires_at)
        assert len(seen) >= 4


def test_a_released_run_is_free_at_once(run: Run) -> None:
    with hold_run(run) as first:
        pass
    with hold_run(run) as second:
        assert second.holder != first.holder


def test_a_thread_that_outlives_its_execution_no_longer_holds_the_run(run: Run) -> None:
    with hold_run(run):
        outlives = contextvars.copy_context()
        outlives.run(check_run_lock)

    with pytest.raises(RunLostError):
        outlives.run(check_run_lock)


def test_a_lock_that_is_released_is_not_extended(run: Run) -> None:
    with hold(place_of(run), 60) as held:
        assert held.extend()

    assert not held.extend()

    lock = read_lock(run)
    assert lock is not None
    assert lock.is_released


def test_a_run_that_was_never_locked_is_not_locked(run: Run) -> None:
    assert read_lock(run) is None
    check_run_lock()


OTHERS = {"boot_id": "of another machine"}
FLOW_RUN = "flow-run-7"


class PassingClock(SetClock):
    """A clock on which a pause passes at once, and may have a consequence."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        super().__init__(NOON)
        self.then = then

    def pause(self, seconds: float, stop: threading.Event | None) -> bool:
        if threading.current_thread() is not threading.main_thread():
            return super().pause(seconds, stop)
        self.moment += seconds
        self.then()
        return False


def test_a_flow_run_that_is_started_again_waits_for_the_lock_of_its_dead_process(run: Run) -> None:
    leave_lease(run, OTHERS, expires_at=NOON + 60, holder=f"{FLOW_RUN} dead")
    passing = PassingClock()
    with clock.replaced(passing), hold_run(run, by=FLOW_RUN) as lock:
        assert passing.moment >= NOON + 60
        assert read_lock(run) == lock
        check_run_lock()


def test_a_flow_run_that_is_executed_elsewhere_is_left_to_that(run: Run) -> None:
    holder = f"{FLOW_RUN} alive"
    leave_lease(run, OTHERS, expires_at=NOON + 60, holder=holder)
    passing = PassingClock(lambda: leave_lease(run, OTHERS, expires_at=NOON + 75, holder=holder))

    with (
        clock.replaced(passing),
        pytest.raises(ExecutedElsewhereError),
        hold_run(run, by=FLOW_RUN),
    ):
        pass

    assert NOON < passing.moment < NOON + 60
    lock = read_lock(run)
    assert lock is not None
    assert lock.holder == holder


@pytest.mark.parametrize("holder", ["another", "flow-run-77 other", FLOW_RUN])
def test_the_lock_of_somebody_else_is_not_waited_for(run: Run, holder: str) -> None:
    leave_lease(run, OTHERS, expires_at=NOON + 60, holder=holder)
    passing = PassingClock()
    with clock.replaced(passing), pytest.raises(RunLockedError), hold_run(run, by=FLOW_RUN):
        pass
    assert passing.moment == NOON


@pytest.mark.parametrize(
    ("holder", "expected"), [(f"{FLOW_RUN} later", ExecutedElsewhereError), ("another", OSError)]
)
def test_a_process_that_slept_leaves_its_flow_run_to_the_one_that_has_it_now(
    run: Run, holder: str, expected: type[Exception]
) -> None:
    def lose_and_fail() -> None:
        leave_lease(run, OTHERS, expires_at=NOON + 9999, holder=holder)
        raise OSError("the network is not there yet")

    with clock_set(), pytest.raises(expected), hold_run(run, by=FLOW_RUN):
        lose_and_fail()


def leave_lease(
    run: Run, process: dict[str, str], *, expires_at: float, holder: str = "another"
) -> None:
    """Leave a lease as an execution would that ended without releasing it."""
    left = RunLock(
        holder=holder,
        process=this_process().model_copy(update=process),
        since=NOON,
        expires_at=expires_at,
        seconds=60,
    )
    open_store(run.store).write(f"{run.id}/lease.json", left.model_dump_json().encode())


def wait_until_zombie(pid: int) -> None:
    stat = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + HANG_SECONDS
    while " Z " not in stat.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
