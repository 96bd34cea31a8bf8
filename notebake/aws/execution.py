"""The run that this code executes: set by the holder of the run lock, checked before AWS changes.

It is kept in context variables, so a thread with a copy of the context knows it too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Execution:
    """One execution of a run."""

    run_id: str
    check_run_lock: Callable[[], None]
    """Raises RunLostError if another execution has taken the run lock."""


_execution: ContextVar[Execution | None] = ContextVar("execution", default=None)
_key_check: ContextVar[Callable[[str], None] | None] = ContextVar("key check", default=None)


@contextmanager
def bind_execution(execution: Execution) -> Iterator[None]:
    """Make the block, and threads with a copy of its context, part of this execution."""
    token = _execution.set(execution)
    try:
        yield
    finally:
        _execution.reset(token)


@contextmanager
def leave_execution() -> Iterator[None]:
    """Let the calls of the block fail early, as those of a caller that executes no run."""
    token = _execution.set(None)
    try:
        yield
    finally:
        _execution.reset(token)


@contextmanager
def bind_key_check(check: Callable[[str], None]) -> Iterator[None]:
    """Call `check` with the access key of each AWS call of the block before the call is sent."""
    token = _key_check.set(check)
    try:
        yield
    finally:
        _key_check.reset(token)


def check_run_lock() -> None:
    """Return if this execution still holds its run lock, or never held one.

    Raises:
        RunLostError: another execution has taken the run lock.
        RunStoreError: the run store did not answer.
    """
    if execution := _execution.get():
        execution.check_run_lock()


def check_access_key(access_key: str) -> None:
    """Return if a call signed with this key goes to the account of the executed run, if any.

    Raises:
        WrongAccountError: it goes to another account, or the account is unknown.
    """
    if check := _key_check.get():
        check(access_key)


def holds_run() -> bool:
    """Return whether the caller executes a run: then retrying is better than failing early."""
    return _execution.get() is not None


def current_run_id() -> str:
    """Return the id of the executed run, or "" if the caller executes none."""
    execution = _execution.get()
    return execution.run_id if execution else ""
