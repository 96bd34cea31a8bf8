import contextvars
import functools
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notebake import clock
from notebake.aws.execution import check_run_lock
from notebake.errors import RunLockedError
from notebake.local.process import this_process
from notebake.recipe import Recipe
from notebake.runs.lock import RunLostError, hold_run
from notebake.runs.lock_record import RunLock, read_lock
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


def test_a_run_that_was_never_locked_is_not_locked(run: Run) -> None:
    assert read_lock(run) is None
    check_run_lock()


def leave_lease(run: Run, process: dict[str, str], *, expires_at: float) -> None:
    """Leave a lease as an execution would that ended without releasing it."""
    left = RunLock(
        holder="another",
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
