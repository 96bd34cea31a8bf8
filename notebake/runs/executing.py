"""One execution of a run: it holds the run lock, is bound to the account, and caches attempts."""

from collections.abc import Iterator
from contextlib import contextmanager

from notebake.runs.account import bind_account
from notebake.runs.account_check import account_lookup, ensure_account
from notebake.runs.attempt_store import caching_attempts
from notebake.runs.lock import hold_run
from notebake.runs.lock_record import RunLock
from notebake.runs.run import Run


@contextmanager
def executing(run: Run) -> Iterator[RunLock]:
    """Hold the run lock, in the run's account, while the block runs.

    Raises:
        RunLockedError: another execution holds the run lock.
        WrongAccountError: the credentials belong to another account, or that cannot be ruled out.
            Nothing was changed.
    """
    with (
        hold_run(run) as lock,
        bind_account(run, ensure_account(run), account_lookup(run)),
        caching_attempts(run),
    ):
        yield lock
