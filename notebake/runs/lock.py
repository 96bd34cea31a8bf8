"""The lock on a run: it keeps a second execution out, and ends by itself if its holder dies."""

import datetime
import functools
import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from notebake import clock
from notebake.errors import NotebakeError, RunIsHeldError, RunStoreError
from notebake.execution import Execution, executing
from notebake.local.process import Process, is_dead, this_process
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.timeouts import RUN_LOCK_SECONDS

log = logging.getLogger(__name__)


class RunLostError(NotebakeError):
    """This execution no longer holds the run's lock: another may be executing the run."""


class RunLock(Record):
    """Who executes a run, and until when that holds without renewal.

    Seconds since 1970 by the run store's clock, which all machines that use it share.
    """

    holder: str
    process: Process
    since: float
    expires_at: float
    seconds: float
    """By how much a renewal extends it."""
    is_released: bool = False


@dataclass
class Holding:
    """A lock in the hands of its holder."""

    run: Run
    lock: RunLock
    sure_until: float
    """On this machine's own clock: until then nobody can have taken the run."""


@contextmanager
def hold_run(run: Run, *, seconds: float = RUN_LOCK_SECONDS) -> Iterator[RunLock]:
    """Hold the run for this execution; a thread renews the lock four times as often as it must.

    Whatever runs in the block, in threads with a copy of its context too, is known as the holder.

    Raises:
        RunIsHeldError: another execution holds it and is not provably dead.
    """
    began = clock.elapsed_with_sleep()
    lock = _take(run, seconds)
    holding = Holding(run, lock, began + seconds)
    stop = threading.Event()
    renewal = threading.Thread(
        target=_renew, args=(holding, stop), name=f"lock of {run.id}", daemon=True
    )
    renewal.start()
    try:
        with executing(Execution(run.id, functools.partial(_check_held, holding))):
            yield lock
    finally:
        stop.set()
        renewal.join()
        _release(run, lock)


def _check_held(holding: Holding) -> None:
    """Raise RunLostError where another execution has taken the run.

    While the lock cannot have ended, nobody is asked. A holder that slept longer, and whose run
    nobody took meanwhile, goes on.
    """
    if clock.elapsed_with_sleep() < holding.sure_until or _extend_held(holding):
        return
    lock = read_lock(holding.run)
    taken = f": {_whereabouts(lock)} has it" if lock and not lock.is_released else ""
    raise RunLostError(
        f"This process no longer holds run {holding.run.id}{taken}.",
        hint="Nothing was undone. Let the other execution finish, or resume the run.",
    )


def read_lock(run: Run) -> RunLock | None:
    """Return who holds the run, or held it last; None if nobody ever did."""
    stored = open_store(run.store).read(_key(run))
    return RunLock.model_validate_json(stored.content) if stored else None


def is_alive(lock: RunLock, now: float) -> bool:
    """Tell whether a lock keeps others out at a moment of its run store's clock."""
    return lock.expires_at > now and not lock.is_released and not is_dead(lock.process)


def _take(run: Run, seconds: float) -> RunLock:
    """Take the lock: a new one, or one that is over; of several takers one succeeds."""
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
        if store.create(_key(run), _content(lock)):
            return lock
        stored = store.read(_key(run))
        if stored is None:
            continue
        theirs = RunLock.model_validate_json(stored.content)
        if is_alive(theirs, now):
            raise _refusal(run, theirs)
        if store.replace(_key(run), _content(lock), version=stored.version):
            if not theirs.is_released:
                log.warning("Taking run %s over from %s", run.id, _whereabouts(theirs))
            return lock


def _renew(holding: Holding, stop: threading.Event) -> None:
    """Extend the lock until told to stop, or until it is another's."""
    run = holding.run
    while not clock.pause(holding.lock.seconds / 4, stop):
        try:
            if not _extend_held(holding):
                log.error("The lock of run %s is lost to another execution", run.id)
                return
        except RunStoreError as error:
            log.warning("The lock of run %s could not be renewed: %s", run.id, error.message)


def _extend_held(holding: Holding) -> bool:
    """Extend the lock, and be sure of it from before the store was asked; False if it is lost."""
    began = clock.elapsed_with_sleep()
    if not _extend(holding.run, holding.lock):
        return False
    holding.sure_until = began + holding.lock.seconds
    return True


def _extend(run: Run, lock: RunLock, *, is_released: bool = False) -> bool:
    """Extend or release the lock; False, and nothing changed, if it is another's."""
    store = open_store(run.store)
    while stored := store.read(_key(run)):
        if RunLock.model_validate_json(stored.content).holder != lock.holder:
            return False
        extended = lock.model_copy(
            update={"expires_at": store.clock() + lock.seconds, "is_released": is_released}
        )
        # Refused if another took the lock just now, or if another thread of ours extended it.
        if store.replace(_key(run), _content(extended), version=stored.version):
            return True
    return False


def _release(run: Run, lock: RunLock) -> None:
    """Let the next execution in; if that fails, the lock ends by itself."""
    try:
        _extend(run, lock, is_released=True)
    except RunStoreError as error:
        log.warning("The lock of run %s could not be released: %s", run.id, error.message)


def _refusal(run: Run, theirs: RunLock) -> RunIsHeldError:
    until = f"{datetime.datetime.fromtimestamp(theirs.expires_at):%H:%M:%S}"
    return RunIsHeldError(
        f"Run {run.id} is being executed by {_whereabouts(theirs)};"
        f" its lock holds until {until} unless it is renewed.",
        hint=f"Let it finish, or end it there with `kill {theirs.process.pid}` and start again:"
        f" the run goes on where it stood. If that machine is gone, try again after {until}.",
    )


def _whereabouts(lock: RunLock) -> str:
    since = datetime.datetime.fromtimestamp(lock.since)
    return f"process {lock.process.pid} on {lock.process.host_name} since {since:%d %b %H:%M:%S}"


def _key(run: Run) -> str:
    # The name that earlier versions know: one of them may be executing the run.
    return f"{run.id}/lease.json"


def _content(lock: RunLock) -> bytes:
    return lock.model_dump_json(indent=2).encode()
