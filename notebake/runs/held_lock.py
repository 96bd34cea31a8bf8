"""A lock in the run store, held while a block runs: it expires by itself if its holder dies."""

import datetime
import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from notebake import clock
from notebake.errors import RunStoreError
from notebake.local.process import this_process
from notebake.runs.lock_record import LockPlace, RunLock, is_active
from notebake.runs.open_store import open_store
from notebake.waiting import wait_until

log = logging.getLogger(__name__)


class LockTakenError(Exception):
    """Somebody else holds the lock and is not provably dead. Callers say what that means."""

    def __init__(self, theirs: RunLock) -> None:
        super().__init__(theirs)
        self.theirs = theirs


@dataclass
class HeldLock:
    """A lock as its holder knows it."""

    place: LockPlace
    lock: RunLock
    sure_until: float
    """Until then, by this machine's clock, nobody else can have taken the lock."""
    is_over: bool = False
    """It is being released: a thread that outlives the block must not hold it again."""

    def extend(self) -> bool:
        """Extend the lock and `sure_until`; return False if it is over, or somebody else's."""
        began = clock.elapsed_with_sleep()
        if not _extend(self):
            return False
        self.sure_until = began + self.lock.seconds
        return True

    def is_lost_to(self, by: str) -> bool:
        """Return whether a later process has taken the lock for the same `by`."""
        stored = open_store(self.place.store).read(self.place.key)
        lock = RunLock.model_validate_json(stored.content) if stored else self.lock
        return lock.holder != self.lock.holder and lock.is_held_by(by)


@contextmanager
def hold(place: LockPlace, seconds: float, *, by: str = "") -> Iterator[HeldLock]:
    """Hold a lock while the block runs; a thread renews it after each quarter of its length.

    If it is held for the same `by`, as for a flow run that is started again because its worker was
    killed, whether on this machine or another, it is waited for until it expires or is renewed.

    Raises:
        LockTakenError: somebody else holds the lock and is not provably dead.
    """
    held = _acquire_for(place, seconds, by)
    stop = threading.Event()
    renewal = threading.Thread(
        target=_renew, args=(held, stop), name=f"lock of {place.what}", daemon=True
    )
    renewal.start()
    try:
        yield held
    finally:
        stop.set()
        renewal.join()
        _release(held)


def describe_holder(lock: RunLock) -> str:
    """Return which process holds a lock, and since when."""
    since = datetime.datetime.fromtimestamp(lock.since)
    return f"{lock.process.label} since {since:%d %b %H:%M:%S}"


def _acquire_for(place: LockPlace, seconds: float, by: str) -> HeldLock:
    """Create the lock, or take it over, also from an earlier holder for `by`."""
    began = clock.elapsed_with_sleep()
    try:
        return HeldLock(place, _acquire(place, seconds, by), began + seconds)
    except LockTakenError as error:
        if not error.theirs.is_held_by(by):
            raise
        _wait_for_expiry(place, error.theirs)
    began = clock.elapsed_with_sleep()
    return HeldLock(place, _acquire(place, seconds, by), began + seconds)


def _wait_for_expiry(place: LockPlace, theirs: RunLock) -> None:
    """Wait until a lock has expired; raise LockTakenError as soon as it is renewed."""
    store = open_store(place.store)

    def has_expired() -> bool | None:
        stored = store.read(place.key)
        lock = RunLock.model_validate_json(stored.content) if stored else None
        if lock is None or not is_active(lock, store.clock()):
            return True
        if lock.expires_at != theirs.expires_at:
            raise LockTakenError(lock)
        return None

    what = f"the lock of an earlier process, which does not renew it, on {place.what} to expire"
    wait_until(has_expired, what=what, timeout_seconds=2 * theirs.seconds)


def _acquire(place: LockPlace, seconds: float, by: str) -> RunLock:
    """Create the lock, or take over one that is not active; of concurrent callers one succeeds."""
    store = open_store(place.store)
    while True:
        now = store.clock()
        lock = RunLock(
            holder=f"{by} {uuid.uuid4()}".lstrip(),
            process=this_process(),
            since=now,
            expires_at=now + seconds,
            seconds=seconds,
        )
        if store.create(place.key, lock.content):
            return lock
        stored = store.read(place.key)
        if stored is None:
            continue
        theirs = RunLock.model_validate_json(stored.content)
        if is_active(theirs, now):
            raise LockTakenError(theirs)
        if store.replace(place.key, lock.content, version=stored.version):
            if not theirs.is_released:
                log.warning("Taking over %s from %s", place.what, describe_holder(theirs))
            return lock


def _renew(held: HeldLock, stop: threading.Event) -> None:
    """Extend the lock until `stop` is set or somebody else has taken it."""
    what = held.place.what
    while not clock.pause(held.lock.seconds / 4, stop):
        try:
            if not held.extend():
                log.error("Another execution has taken the lock of %s", what)
                return
        except RunStoreError as error:
            log.warning("The lock of %s could not be renewed: %s", what, error.message)


def _extend(held: HeldLock, *, is_released: bool = False) -> bool:
    """Extend or release the lock; return False if it is over, or somebody else's."""
    place, lock = held.place, held.lock
    store = open_store(place.store)
    while stored := store.read(place.key):
        is_ours = RunLock.model_validate_json(stored.content).holder == lock.holder
        if not is_ours or (held.is_over and not is_released):
            return False
        extended = lock.model_copy(
            update={"expires_at": store.clock() + lock.seconds, "is_released": is_released}
        )
        # Refused if somebody else just took the lock, or another of our threads extended it.
        if store.replace(place.key, extended.content, version=stored.version):
            return True
    return False


def _release(held: HeldLock) -> None:
    """Release the lock; if that fails, it expires by itself."""
    held.is_over = True
    try:
        _extend(held, is_released=True)
    except RunStoreError as error:
        what = held.place.what
        log.warning("The lock of %s could not be released: %s", what, error.message)
