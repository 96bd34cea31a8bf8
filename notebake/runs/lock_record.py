"""The record of a lock in the run store: who holds it, and until when."""

from notebake.local.process import Process, is_dead
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.run import Run


class RunLock(Record):
    """Who holds a lock, and when it expires without renewal.

    Times are seconds since 1970 by the run store's clock, which all its users share.
    """

    holder: str
    """Unique. It begins with the name of whom its holder acts for, if that has one."""
    process: Process
    since: float
    expires_at: float
    seconds: float
    """How long the lock lasts after each renewal."""
    is_released: bool = False

    def is_held_by(self, by: str) -> bool:
        """Return whether its holder acts for `by`; never for nobody."""
        return bool(by) and self.holder.startswith(f"{by} ")

    @property
    def content(self) -> bytes:
        return self.model_dump_json(indent=2).encode()


class LockPlace(Record):
    """Where a lock is, and for what."""

    key: str
    store: str
    """The location of the run store."""
    what: str
    """What its holder may do something with, for people: `run ocean-20261123-120000-1a2b`."""


def lock_key(run: Run) -> str:
    """Return the key of the run lock; earlier versions know it and may be executing the run."""
    return f"{run.id}/lease.json"


def place_of(run: Run) -> LockPlace:
    """Return the place of the run lock."""
    return LockPlace(key=lock_key(run), store=run.store, what=f"run {run.id}")


def read_lock(run: Run) -> RunLock | None:
    """Return the lock of the current or last holder; None if the run never had one."""
    stored = open_store(run.store).read(lock_key(run))
    return RunLock.model_validate_json(stored.content) if stored else None


def is_active(lock: RunLock, now: float) -> bool:
    """Return whether the lock excludes others at this time of the run store's clock."""
    return lock.expires_at > now and not lock.is_released and not is_dead(lock.process)
