"""The run lock: it excludes a second execution, and expires by itself if its holder dies."""

import datetime
import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from notebake import clock
from notebake.aws.execution import Execution, bind_execution
from notebake.errors import NotebakeError, RunLockedError
from notebake.runs.held_lock import HeldLock, LockTakenError, describe_holder, hold
from notebake.runs.lock_record import RunLock, place_of, read_lock
from notebake.runs.run import Run
from notebake.timeouts import RUN_LOCK_SECONDS


class RunLostError(NotebakeError):
    """This execution has lost the run lock: another one may be executing the run."""


class ExecutedElsewhereError(NotebakeError):
    """Another process executes the run for the same flow run: this process leaves it to that."""


@contextmanager
def hold_run(run: Run, *, seconds: float = RUN_LOCK_SECONDS, by: str = "") -> Iterator[RunLock]:
    """Hold the run lock while the block runs; a thread renews it after each quarter of its length.

    The block, and threads with a copy of its context, count as the holder. `by` names for whom: a
    flow run whose worker was killed is executed by another process, and the first may only sleep.

    Raises:
        RunLockedError: another execution holds the lock and is not provably dead.
        ExecutedElsewhereError: another process holds it for the same `by`; or has taken it from
            this one, and the block has failed.
    """
    with ExitStack() as stack:
        try:
            held = stack.enter_context(hold(place_of(run), seconds, by=by))
        except LockTakenError as error:
            if error.theirs.is_held_by(by):
                raise _elsewhere_error(run, error.theirs) from None
            raise _locked_error(run, error.theirs) from None
        check = functools.partial(_check_held, run, held)
        stack.enter_context(bind_execution(Execution(run.id, check)))
        try:
            yield held.lock
        except Exception as error:
            if by and held.is_lost_to(by):
                raise _elsewhere_error(run, read_lock(run)) from error
            raise


def _check_held(run: Run, held: HeldLock) -> None:
    """Raise RunLostError if another execution has taken the lock, or this one is over.

    The run store is read only if the lock may have expired. If this machine slept, and no other
    execution took the lock meanwhile, the lock is renewed.
    """
    is_sure = clock.elapsed_with_sleep() < held.sure_until and not held.is_over
    if is_sure or held.extend():
        return
    lock = read_lock(run)
    taken = f": {describe_holder(lock)} holds it" if lock and not lock.is_released else ""
    raise RunLostError(
        f"This process no longer holds the lock of run {run.id}{taken}.",
        hint="Nothing was undone. Let the other execution finish, or resume the run.",
    )


def _elsewhere_error(run: Run, theirs: RunLock | None) -> ExecutedElsewhereError:
    holder = describe_holder(theirs) if theirs else "another process"
    return ExecutedElsewhereError(
        f"{holder} executes run {run.id} for this flow run. This process leaves it to that."
    )


def _locked_error(run: Run, theirs: RunLock) -> RunLockedError:
    until = f"{datetime.datetime.fromtimestamp(theirs.expires_at):%H:%M:%S}"
    return RunLockedError(
        f"Run {run.id} is being executed by {describe_holder(theirs)};"
        f" its lock expires at {until} unless it is renewed.",
        hint=f"Let it finish, or end it there with `kill {theirs.process.pid}` and start again:"
        f" the run continues where it stopped. If that machine is gone, try again after {until}.",
    )
