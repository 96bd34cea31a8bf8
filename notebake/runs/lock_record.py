"""The record of the run lock in the run store: who executes a run, and until when."""

from notebake.local.process import Process, is_dead
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.run import Run


class RunLock(Record):
    """Who executes a run, and when the lock expires without renewal.

    Times are seconds since 1970 by the run store's clock, which all its users share.
    """

    holder: str
    process: Process
    since: float
    expires_at: float
    seconds: float
    """How long the lock lasts after each renewal."""
    is_released: bool = False

    @property
    def content(self) -> bytes:
        return self.model_dump_json(indent=2).encode()


def lock_key(run: Run) -> str:
    """Return the key of the lock; earlier versions know it too and may be executing the run."""
    return f"{run.id}/lease.json"


def read_lock(run: Run) -> RunLock | None:
    """Return the lock of the current or last holder; None if the run never had one."""
    stored = open_store(run.store).read(lock_key(run))
    return RunLock.model_validate_json(stored.content) if stored else None


def is_active(lock: RunLock, now: float) -> bool:
    """Return whether the lock excludes other executions at this time of the run store's clock."""
    return lock.expires_at > now and not lock.is_released and not is_dead(lock.process)
