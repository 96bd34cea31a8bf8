"""Which run this code executes: set by whoever holds it, asked before anything is changed in AWS.

Known to a thread as well that runs in a copy of its context.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Execution:
    """One execution of a run."""

    run_id: str
    check_held: Callable[[], None]
    """Raises where another execution has taken the run."""


_execution: ContextVar[Execution | None] = ContextVar("execution", default=None)
_check_key: ContextVar[Callable[[str], None] | None] = ContextVar("check of keys", default=None)


@contextmanager
def executing(execution: Execution) -> Iterator[None]:
    """Make the block, and threads with a copy of its context, an execution of a run."""
    token = _execution.set(execution)
    try:
        yield
    finally:
        _execution.reset(token)


@contextmanager
def checking_keys(check: Callable[[str], None]) -> Iterator[None]:
    """Have `check` look at the access key of each call of the block before it is sent."""
    token = _check_key.set(check)
    try:
        yield
    finally:
        _check_key.reset(token)


def check_held() -> None:
    """Return if this execution may go on: it holds its run, or never held one.

    Raises:
        RunLostError: another execution has taken the run.
        RunStoreError: the run store, which would know, does not answer.
    """
    if execution := _execution.get():
        execution.check_held()


def check_signer(access_key: str) -> None:
    """Return if a call that this key has signed goes to the account of the run in hand, if any.

    Raises:
        WrongAccountError: it goes to another account, or nobody can tell whether it does.
    """
    if check := _check_key.get():
        check(access_key)


def is_executing() -> bool:
    """Tell whether the caller holds a run: then patience is better than giving up."""
    return _execution.get() is not None


def executing_run_id() -> str:
    """Return the id of the run that the caller holds; "" where it holds none."""
    execution = _execution.get()
    return execution.run_id if execution else ""
