"""A step: find, make, undo, and the one way in which it is carried out."""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from notebake.errors import ResourceLostError
from notebake.record import Record
from notebake.runs.run import Run
from notebake.timeouts import TRIES_PER_EXECUTION

log = logging.getLogger(__name__)
T = TypeVar("T")
current_step: ContextVar[str] = ContextVar("current_step", default="")


@dataclass(frozen=True)
class Step:
    """One line of the runbook.

    `find` returns what is already there, or None; it asks the cloud or the host, never a cache.
    `make` makes it, and may be repeated after a kill at any point: nothing is made twice.
    `undo` removes it, waits until it is gone, and does nothing where nothing is left.
    """

    name: str
    """For code and records: words joined by underscores."""
    title: str
    """For people: what the step does, as an order."""
    find: Callable[[Run], Record | None]
    make: Callable[[Run], Record]
    undo: Callable[[Run], None] | None = None
    """None where undoing the machine undoes the step."""


@dataclass(frozen=True)
class Outcome:
    """What carrying out a step gave."""

    step: str
    result: Record
    was_there: bool
    seconds: float


def carry_out(step: Step, run: Run) -> Outcome:
    """Return what the step gives, making it unless it is already there."""
    token = current_step.set(step.name)
    began = time.monotonic()
    try:
        log.debug("Looking whether it is done", extra={"event": "looking"})
        result = step.find(run)
        was_there = result is not None
        if result is None:
            log.info("%s", step.title, extra={"event": "started"})
            result = step.make(run)
        seconds = time.monotonic() - began
        _tell_end(describe(result), seconds, was_there=was_there)
        return Outcome(step.name, result, was_there, seconds)
    except Exception as error:
        seconds = time.monotonic() - began
        reason = getattr(error, "message", "") or str(error) or type(error).__name__
        extra = {"event": "failed", "seconds": seconds, "detail": reason}
        log.error("Failed after %.1f s: %s", seconds, reason, extra=extra)
        raise
    finally:
        current_step.reset(token)


def until_not_lost(work: Callable[[], T]) -> T:
    """Return what `work` gives; where something that it had made is lost, it starts from its start.

    Its steps find what is there, so only what was lost is made again, and what depends on it.

    Raises:
        ResourceLostError: something was lost each time.
    """
    for _ in range(TRIES_PER_EXECUTION - 1):
        try:
            return work()
        except ResourceLostError as error:
            log.warning("%s Making again what was lost", error.message)
    return work()


def _tell_end(result: str, seconds: float, *, was_there: bool) -> None:
    extra = {"event": "found" if was_there else "done", "seconds": seconds, "detail": result}
    if was_there:
        log.info("Already done: %s", result, extra=extra)
    else:
        log.info("Done in %.1f s: %s", seconds, result, extra=extra)


def describe(record: Record) -> str:
    """Return what a person would call the record: its id, or its detail."""
    for field in ("detail", "id", "digest"):
        if value := getattr(record, field, ""):
            return str(value)
    return type(record).__name__


class Done(Record):
    """What a step on a host gives: that it is done, and what it is known by."""

    digest: str
    detail: str = ""
    """One phrase for people: a commit, a count, an address."""
