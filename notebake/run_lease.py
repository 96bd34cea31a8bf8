"""The run's lease: it keeps a second execution out, and ends by itself when its holder dies."""

import datetime
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from notebake.errors import NotebakeError, RunIsHeldError, RunStoreError
from notebake.process import Process, is_dead, this_process
from notebake.records import Record, Run
from notebake.run_store import open_store

log = logging.getLogger(__name__)
Clock = Callable[[], float]


class LeaseLostError(NotebakeError):
    """This process no longer holds the run's lease: another may be executing the run."""


class Lease(Record):
    """Who executes a run, and until when that holds without renewal. Seconds since 1970."""

    holder: str
    process: Process
    since: float
    expires_at: float
    seconds: float
    """By how much a renewal extends it."""
    is_released: bool = False


@contextmanager
def hold_lease(run: Run, *, seconds: float = 60, clock: Clock = time.time) -> Iterator[Lease]:
    """Hold the run for this process; a thread renews the lease four times as often as it must.

    Raises:
        RunIsHeldError: another execution holds it and is not provably dead.
    """
    lease = _take(run, seconds, clock)
    stop = threading.Event()
    renewal = threading.Thread(
        target=_renew, args=(run, lease, clock, stop), name=f"lease of {run.id}", daemon=True
    )
    renewal.start()
    try:
        yield lease
    finally:
        stop.set()
        renewal.join()
        _release(run, lease, clock)


def check_lease(run: Run, *, clock: Clock = time.time) -> None:
    """Return if this process holds the run, also if it slept and nobody took the run meanwhile.

    Raises:
        LeaseLostError: it does not.
    """
    lease = read_lease(run)
    if lease and lease.process == this_process() and not lease.is_released:
        if lease.expires_at > clock() or _extend(run, lease, clock):
            return
        lease = read_lease(run)
    taken = f": {_whereabouts(lease)} has it" if lease and not lease.is_released else ""
    raise LeaseLostError(
        f"This process no longer holds run {run.id}{taken}.",
        hint="Nothing was undone. Let the other execution finish, or resume the run.",
    )


def read_lease(run: Run) -> Lease | None:
    """Return who holds the run, or held it last; None if nobody ever did."""
    stored = open_store(run.store).read(_key(run))
    return Lease.model_validate_json(stored.content) if stored else None


def _take(run: Run, seconds: float, clock: Clock) -> Lease:
    """Take the lease: a new one, or one that is over; of several takers one succeeds."""
    store = open_store(run.store)
    while True:
        now = clock()
        lease = Lease(
            holder=str(uuid.uuid4()),
            process=this_process(),
            since=now,
            expires_at=now + seconds,
            seconds=seconds,
        )
        if store.create(_key(run), _content(lease)):
            return lease
        stored = store.read(_key(run))
        if stored is None:
            continue
        theirs = Lease.model_validate_json(stored.content)
        if theirs.expires_at > now and not theirs.is_released and not is_dead(theirs.process):
            raise _refusal(run, theirs)
        if store.replace(_key(run), _content(lease), version=stored.version):
            if not theirs.is_released:
                log.warning("Taking run %s over from %s", run.id, _whereabouts(theirs))
            return lease


def _renew(run: Run, lease: Lease, clock: Clock, stop: threading.Event) -> None:
    """Extend the lease until told to stop, or until it is another's."""
    while not stop.wait(lease.seconds / 4):
        try:
            if not _extend(run, lease, clock):
                log.error("The lease of run %s is lost to another execution", run.id)
                return
        except RunStoreError as error:
            log.warning("The lease of run %s could not be renewed: %s", run.id, error.message)


def _extend(run: Run, lease: Lease, clock: Clock, *, is_released: bool = False) -> bool:
    """Extend or release the lease; False, and nothing changed, if it is another's."""
    store = open_store(run.store)
    while stored := store.read(_key(run)):
        if Lease.model_validate_json(stored.content).holder != lease.holder:
            return False
        extended = lease.model_copy(
            update={"expires_at": clock() + lease.seconds, "is_released": is_released}
        )
        # Refused if another took the lease just now, or if another thread of ours extended it.
        if store.replace(_key(run), _content(extended), version=stored.version):
            return True
    return False


def _release(run: Run, lease: Lease, clock: Clock) -> None:
    """Let the next execution in; if that fails, the lease ends by itself."""
    try:
        _extend(run, lease, clock, is_released=True)
    except RunStoreError as error:
        log.warning("The lease of run %s could not be released: %s", run.id, error.message)


def _refusal(run: Run, theirs: Lease) -> RunIsHeldError:
    until = f"{datetime.datetime.fromtimestamp(theirs.expires_at):%H:%M:%S}"
    return RunIsHeldError(
        f"Run {run.id} is being executed by {_whereabouts(theirs)};"
        f" its lease holds until {until} unless it is renewed.",
        hint=f"Let it finish, or end it there with `kill {theirs.process.pid}` and start again:"
        f" the run goes on where it stood. If that machine is gone, try again after {until}.",
    )


def _whereabouts(lease: Lease) -> str:
    since = datetime.datetime.fromtimestamp(lease.since)
    return f"process {lease.process.pid} on {lease.process.host_name} since {since:%d %b %H:%M:%S}"


def _key(run: Run) -> str:
    return f"{run.id}/lease.json"


def _content(lease: Lease) -> bytes:
    return lease.model_dump_json(indent=2).encode()
