import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notebake.errors import RunIsHeldError
from notebake.process import this_process
from notebake.recipe import Recipe
from notebake.records import Run
from notebake.run_lease import LeaseLostError, check_lease, hold_lease, read_lease
from notebake.run_store import open_store
from notebake.runs import new_run

NOON = 1_800_000_000.0
HOLDER = """
import sys, time
from notebake.run_lease import hold_lease
from notebake.run_store import open_store
from notebake.runs import load_run
run = load_run(sys.argv[1], open_store(sys.argv[2]))
with hold_lease(run, seconds=3600, clock=eval(sys.argv[3])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(Recipe(name="ocean"), "ocean.yaml", open_store(str(tmp_path)))


@contextmanager
def other_execution(run: Run, clock: str = "time.time") -> Iterator[subprocess.Popen[str]]:
    """A second process that holds the run until it is killed."""
    command = [sys.executable, "-c", HOLDER, run.id, run.store, clock]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
    finally:
        child.kill()
        child.communicate()


def test_a_second_execution_is_refused_and_told_by_whom(run: Run) -> None:
    with other_execution(run) as child:
        with (
            pytest.raises(RunIsHeldError, match=f"process {child.pid} on") as caught,
            hold_lease(run),
        ):
            pass
        assert f"kill {child.pid}" in caught.value.hint


def test_a_second_execution_in_the_same_process_is_refused(run: Run) -> None:
    with hold_lease(run), pytest.raises(RunIsHeldError), hold_lease(run):
        pass


@pytest.mark.parametrize("is_reaped", [True, False])
def test_the_lease_of_a_killed_process_is_taken_over_at_once(run: Run, is_reaped: bool) -> None:
    with other_execution(run) as child:
        child.kill()
        if is_reaped:
            child.wait()
        else:
            wait_until_zombie(child.pid)
        with hold_lease(run) as lease:
            assert lease.process == this_process()
            check_lease(run)


@pytest.mark.parametrize(
    "change", [{"boot_id": "of another machine"}, {"pid_namespace": "pid:[1]"}]
)
def test_a_process_that_cannot_be_seen_from_here_counts_as_alive(
    run: Run, change: dict[str, str]
) -> None:
    leave_lease(run, change, expires_at=NOON + 60)
    with pytest.raises(RunIsHeldError), hold_lease(run, clock=lambda: NOON):
        pass


def test_a_number_given_to_another_process_since_does_not_keep_the_run(run: Run) -> None:
    leave_lease(run, {"started": "1"}, expires_at=NOON + 60)
    with hold_lease(run, clock=lambda: NOON):
        check_lease(run, clock=lambda: NOON)


def test_a_lease_that_ran_out_is_taken(run: Run) -> None:
    leave_lease(run, {"boot_id": "of another machine"}, expires_at=NOON + 60)
    with hold_lease(run, clock=lambda: NOON + 60):
        check_lease(run, clock=lambda: NOON + 60)


def test_of_many_takers_of_a_lease_that_ran_out_one_gets_it(run: Run) -> None:
    leave_lease(run, {"boot_id": "of another machine"}, expires_at=0)
    answers: list[str] = []
    start, end = threading.Barrier(6), threading.Barrier(6)

    def take() -> None:
        start.wait()
        try:
            with hold_lease(run):
                answers.append("held")
                end.wait()
        except RunIsHeldError:
            answers.append("refused")
            end.wait()

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["held"] + ["refused"] * 5


def test_a_holder_that_slept_too_long_finds_the_run_taken(run: Run) -> None:
    with hold_lease(run):
        with (
            other_execution(run, clock="lambda: time.time() + 3600"),
            pytest.raises(LeaseLostError, match="has it"),
        ):
            check_lease(run)
        taken = read_lease(run)
    assert read_lease(run) == taken, "a lease that is another's is not released"


def test_a_holder_that_slept_while_nobody_came_goes_on(run: Run) -> None:
    moments = iter([NOON])
    with hold_lease(run, clock=lambda: next(moments, NOON + 3600)):
        check_lease(run, clock=lambda: NOON + 3600)
        lease = read_lease(run)
        assert lease is not None
        assert lease.expires_at > NOON + 3600


def test_the_lease_is_renewed_while_it_is_held(run: Run) -> None:
    with hold_lease(run, seconds=0.2) as lease:
        seen = {lease.expires_at}
        deadline = time.monotonic() + 30
        while len(seen) < 4 and time.monotonic() < deadline:
            now = read_lease(run)
            assert now is not None
            seen.add(now.expires_at)
        assert len(seen) >= 4


def test_a_released_run_is_free_at_once_and_held_by_nobody(run: Run) -> None:
    with hold_lease(run):
        pass
    with pytest.raises(LeaseLostError):
        check_lease(run)
    with hold_lease(run):
        check_lease(run)


def test_a_run_that_nobody_ever_held_is_not_held(run: Run) -> None:
    assert read_lease(run) is None
    with pytest.raises(LeaseLostError):
        check_lease(run)


def leave_lease(run: Run, process: dict[str, str], *, expires_at: float) -> None:
    """Leave a lease as an execution would that ended without releasing it."""
    with hold_lease(run) as lease:
        pass
    left = lease.model_copy(
        update={
            "process": lease.process.model_copy(update=process),
            "expires_at": expires_at,
            "is_released": False,
        }
    )
    open_store(run.store).write(f"{run.id}/lease.json", left.model_dump_json().encode())


def wait_until_zombie(pid: int) -> None:
    stat = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + 30
    while " Z " not in stat.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
