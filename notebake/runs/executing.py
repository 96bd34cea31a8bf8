"""One execution of a run: it holds the run lock, is bound to the account, and is recorded."""

from collections.abc import Iterator
from contextlib import contextmanager

from notebake.runs.account import bind_account
from notebake.runs.account_check import account_lookup, ensure_account
from notebake.runs.execution_record import StartedBy, new_writer, recording_execution
from notebake.runs.lock import hold_run
from notebake.runs.lock_record import RunLock
from notebake.runs.run import Run
from notebake.runs.run_record import recording_run

UNKNOWN = StartedBy()


@contextmanager
def executing(run: Run, started_by: StartedBy = UNKNOWN) -> Iterator[RunLock]:
    """Hold the run lock, in the run's account, while the block runs; record who does it.

    Raises:
        RunLockedError: another execution holds the run lock.
        ExecutedElsewhereError: another process executes the run for the same flow run.
        WrongAccountError: the credentials belong to another account, or that cannot be ruled out.
            Nothing was changed.
    """
    with (
        hold_run(run, by=started_by.flow_run) as lock,
        recording_run(run, new_writer(run.store)),
        bind_account(run, ensure_account(run), account_lookup(run)),
        recording_execution(run, started_by),
    ):
        yield lock
