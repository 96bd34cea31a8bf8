"""The run lock: it excludes a second execution, and expires by itself if its holder dies."""

import datetime
import functools
import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from notebake import clock
from notebake.aws.execution import Execution, bind_execution
from notebake.errors import NotebakeError, RunLockedError, RunStoreError
from notebake.local.process import this_process
from notebake.runs.lock_record import RunLock, is_active, lock_key, read_lock
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.timeouts import RUN_LOCK_SECONDS

log = logging.getLogger(__name__)


class RunLostError(NotebakeError):
    """This execution has lost the run lock: another one may be executing the run."""


@dataclass
class HeldLock:
    """A run lock as its holder knows it."""

    run: Run
    lock: RunLock
    sure_until: float
    """Until then, by this machine's clock, no other execution can have taken the lock."""


@contextmanager
def hold_run(run: Run, *, seconds: float = RUN_LOCK_SECONDS) -> Iterator[RunLock]:
    """Hold the run lock while the block runs; a thread renews it after each quarter of its length.

    The block, and threads with a copy of its context, count as the holder.

    Raises:
        RunLockedError: another execution holds the lock and is not provably dead.
    """
    began = clock.elapsed_with_sleep()
    lock = _acquire(run, seconds)
    held = HeldLock(run, lock, began + seconds)
    stop = threading.Event()
    renewal = threading.Thread(
        target=_renew, args=(held, stop), name=f"lock of {run.id}", daemon=True
    )
    renewal.start()
    try:
        with bind_execution(Execution(run.id, functools.partial(_check_held, held))):
            yield lock
    finally:
        stop.set()
        renewal.join()
        _release(run, lock)


def _check_held(held: HeldLock) -> None:
    """Raise RunLostError if another execution has taken the lock.

    The run store is read only if the lock may have expired. If this machine slept, and no other
    execution took the lock meanwhile, the lock is renewed.
    """
    if clock.elapsed_with_sleep() < held.sure_until or _extend_held(held):
        return
    lock = read_lock(held.run)
    taken = f": {_describe_holder(lock)} holds it" if lock and not lock.is_released else ""
    raise RunLostError(
        f"This process no longer holds the lock of run {held.run.id}{taken}.",
        hint="Nothing was undone. Let the other execution finish, or resume the run.",
    )


def _acquire(run: Run, seconds: float) -> RunLock:
    """Create the lock, or take over one that is not active; of concurrent callers one succeeds."""
    store = open_store(run.store)
    while True:
        now = store.clock()
        lock = RunLock(
            holder=str(uuid.uuid4()),
            process=this_process(),
            since=now,
            expires_at=now + seconds,
            seconds=seconds,
        )
        if store.create(lock_key(run), lock.content):
            return lock
        stored = store.read(lock_key(run))
        if stored is None:
            continue
        theirs = RunLock.model_validate_json(stored.content)
        if is_active(theirs, now):
            raise _locked_error(run, theirs)
        if store.replace(lock_key(run), lock.content, version=stored.version):
            if not theirs.is_released:
                log.warning("Taking over run %s from %s", run.id, _describe_holder(theirs))
            return lock


def _renew(held: HeldLock, stop: threading.Event) -> None:
    """Extend the lock until `stop` is set or another execution has taken it."""
    run = held.run
    while not clock.pause(held.lock.seconds / 4, stop):
        try:
            if not _extend_held(held):
                log.error("Another execution has taken the lock of run %s", run.id)
                return
        except RunStoreError as error:
            log.warning("The lock of run %s could not be renewed: %s", run.id, error.message)


def _extend_held(held: HeldLock) -> bool:
    """Extend the lock and `sure_until`; return False if another execution has taken the lock."""
    began = clock.elapsed_with_sleep()
    if not _extend(held.run, held.lock):
        return False
    held.sure_until = began + held.lock.seconds
    return True


def _extend(run: Run, lock: RunLock, *, is_released: bool = False) -> bool:
    """Extend or release the lock; change nothing and return False if another execution has it."""
    store = open_store(run.store)
    while stored := store.read(lock_key(run)):
        if RunLock.model_validate_json(stored.content).holder != lock.holder:
            return False
        extended = lock.model_copy(
            update={"expires_at": store.clock() + lock.seconds, "is_released": is_released}
        )
        # Refused if another execution just took the lock, or another of our threads extended it.
        if store.replace(lock_key(run), extended.content, version=stored.version):
            return True
    return False


def _release(run: Run, lock: RunLock) -> None:
    """Release the lock; if that fails, it expires by itself."""
    try:
        _extend(run, lock, is_released=True)
    except RunStoreError as error:
        log.warning("The lock of run %s could not be released: %s", run.id, error.message)


def _locked_error(run: Run, theirs: RunLock) -> RunLockedError:
    until = f"{datetime.datetime.fromtimestamp(theirs.expires_at):%H:%M:%S}"
    return RunLockedError(
        f"Run {run.id} is being executed by {_describe_holder(theirs)};"
        f" its lock expires at {until} unless it is renewed.",
        hint=f"Let it finish, or end it there with `kill {theirs.process.pid}` and start again:"
        f" the run continues where it stopped. If that machine is gone, try again after {until}.",
    )


def _describe_holder(lock: RunLock) -> str:
    since = datetime.datetime.fromtimestamp(lock.since)
    return f"{lock.process.label} since {since:%d %b %H:%M:%S}"
