"""A step: its find, make and undo, and how it is carried out."""

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
    """One step of the runbook.

    `find` returns the existing product, or None; it queries the cloud or the host, never a cache.
    `make` makes it. After a kill at any point it can be repeated and makes nothing twice.
    `undo` removes the product and waits until it is gone; it does nothing if there is none.
    """

    name: str
    """For code and records: words joined by underscores."""
    title: str
    """For people: what the step does, in the imperative."""
    find: Callable[[Run], Record | None]
    make: Callable[[Run], Record]
    undo: Callable[[Run], None] | None = None
    """None if the product is removed with its machine."""


@dataclass(frozen=True)
class Outcome:
    """The result of a step."""

    step: str
    result: Record
    was_there: bool
    seconds: float


def carry_out(step: Step, run: Run) -> Outcome:
    """Return the step's product; make it unless it exists."""
    token = current_step.set(step.name)
    began = time.monotonic()
    try:
        log.debug("Checking whether it is done", extra={"event": "checking"})
        result = step.find(run)
        was_there = result is not None
        if result is None:
            log.info("%s", step.title, extra={"event": "started"})
            result = step.make(run)
        seconds = time.monotonic() - began
        _log_end(describe(result), seconds, was_there=was_there)
        return Outcome(step.name, result, was_there, seconds)
    except Exception as error:
        seconds = time.monotonic() - began
        reason = getattr(error, "message", "") or str(error) or type(error).__name__
        extra = {"event": "failed", "seconds": seconds, "detail": reason}
        log.error("Failed after %.1f s: %s", seconds, reason, extra=extra)
        raise
    finally:
        current_step.reset(token)


def retry_when_lost(work: Callable[[], T]) -> T:
    """Return the result of `work`; if it loses a machine or an image, start it again.

    Its steps find what exists, so only what was lost is made again, and what depends on it.

    Raises:
        ResourceLostError: a resource was lost in every try.
    """
    for _ in range(TRIES_PER_EXECUTION - 1):
        try:
            return work()
        except ResourceLostError as error:
            log.warning("%s Making it again", error.message)
    return work()


def _log_end(result: str, seconds: float, *, was_there: bool) -> None:
    extra = {"event": "found" if was_there else "done", "seconds": seconds, "detail": result}
    if was_there:
        log.info("Already done: %s", result, extra=extra)
    else:
        log.info("Done in %.1f s: %s", seconds, result, extra=extra)


def describe(record: Record) -> str:
    """Return a short description of the record: its detail, its id or its digest."""
    for field in ("detail", "id", "digest"):
        if value := getattr(record, field, ""):
            return str(value)
    return type(record).__name__


class Done(Record):
    """The result of a step on a host."""

    digest: str
    detail: str = ""
    """A phrase for people: a commit, a count, an address."""
