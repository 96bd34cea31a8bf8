"""The run lock on S3, with machines that share no clock and a network that loses answers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notebake import clock
from notebake.clock import RealClock
from notebake.errors import RunLockedError
from notebake.local.process import this_process
from notebake.runs.lock import hold_run
from notebake.runs.lock_record import RunLock, read_lock
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, CloudWorld
from tests.limits import HANG_SECONDS
from tests.store_world import (
    LOCATION,
    LostObjectAnswer,
    RefusedObject,
    hold_run_at_once,
    world_with_bucket,
)

DAY = 86_400.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with world_with_bucket(tmp_path) as opened:
        yield opened


@pytest.fixture
def run(world: CloudWorld) -> Run:
    del world
    return new_run(RECIPE, "ocean.yaml", open_store(LOCATION))


@contextmanager
def wall_clock_off_by(seconds: float) -> Iterator[None]:
    """Let this machine believe in another time."""

    class Wrong(RealClock):
        def now(self) -> float:
            return time.time() + seconds

    with clock.replaced(Wrong()):
        yield


def leave_lease(run: Run, *, seconds: float) -> None:
    """Leave a lease as another machine would that died, so long before it ends."""
    store = open_store(run.store)
    left = RunLock(
        holder="another",
        process=this_process().model_copy(update={"boot_id": "of another machine"}),
        since=store.clock(),
        expires_at=store.clock() + seconds,
        seconds=60,
    )
    store.write(f"{run.id}/lease.json", left.model_dump_json().encode())


def test_a_concurrent_execution_is_refused_and_a_later_one_is_not(run: Run) -> None:
    with hold_run(run), pytest.raises(RunLockedError), hold_run(run):
        pass
    with hold_run(run):
        pass


def test_one_of_many_contenders_gets_an_expired_lock(run: Run) -> None:
    leave_lease(run, seconds=-60)
    assert sorted(hold_run_at_once(run, 6)) == ["held"] + ["refused"] * 5


@pytest.mark.parametrize("off_by", [DAY, -DAY])
def test_a_wrong_clock_neither_steals_nor_delays_a_lock(run: Run, off_by: float) -> None:
    with wall_clock_off_by(off_by):
        leave_lease(run, seconds=60)
        with pytest.raises(RunLockedError), hold_run(run):
            pass
        leave_lease(run, seconds=-1)
        with hold_run(run) as lease:
            assert abs(lease.since - time.time()) < DAY / 2


def test_a_lock_with_lost_answers_is_held(world: CloudWorld, run: Run) -> None:
    with (
        world.intercepting(LostObjectAnswer("PUT", "lease.json", 1)) as loses,
        hold_run(run) as lease,
    ):
        assert loses.fired == 2, "botocore wrote again, and S3 refused"
        assert read_lock(run) == lease


def test_a_lock_is_renewed_despite_conflicts_and_refusals(world: CloudWorld, run: Run) -> None:
    with hold_run(run, seconds=0.4) as lease:
        conflict = RefusedObject(
            "PUT", "lease.json", 2, code="ConditionalRequestConflict", status=409
        )
        with (
            world.intercepting(conflict),
            world.intercepting(RefusedObject("PUT", "lease.json", 1)) as no,
        ):
            deadline = time.monotonic() + HANG_SECONDS
            while conflict.fired < 4 and time.monotonic() < deadline:
                time.sleep(0.02)
        renewed = read_lock(run)
    assert no.fired
    assert conflict.fired >= 4
    assert renewed is not None
    assert renewed.holder == lease.holder
    assert renewed.expires_at > lease.expires_at
