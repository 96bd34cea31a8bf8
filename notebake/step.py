"""A step: find, make, undo, and the one way in which it is carried out."""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from notebake.records import Record, Run

log = logging.getLogger(__name__)
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
        found = step.find(run)
        if found is not None:
            log.info("Already done: %s", describe(found))
            return Outcome(step.name, found, True, time.monotonic() - began)
        log.info("%s", step.title)
        made = step.make(run)
        seconds = time.monotonic() - began
        log.info("Done in %.1f s: %s", seconds, describe(made))
        return Outcome(step.name, made, False, seconds)
    finally:
        current_step.reset(token)


def describe(record: Record) -> str:
    """Return what a person would call the record: its id, or its detail."""
    for field in ("detail", "id", "digest"):
        if value := getattr(record, field, ""):
            return str(value)
    return type(record).__name__
