"""The events of a run, in order: each is a file of its own that never changes."""

import datetime
import itertools
import os
from typing import Any, Literal

from pydantic import ConfigDict

from notebake import clock
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.timestamps import utc_from_seconds

Happening = Literal["found", "done", "failed", "undone"]
_numbers = itertools.count(1)


class Event(Record):
    """The outcome of one step."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime.datetime
    step: str
    happening: Happening
    detail: dict[str, Any]
    seconds: float | None = None


def record_outcome(
    run: Run,
    step: str,
    happening: Happening,
    *,
    seconds: float | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Record the outcome of a step; it is in the run store when this returns."""
    now = utc_from_seconds(clock.now())
    event = Event(at=now, step=step, happening=happening, seconds=seconds, detail=detail or {})
    key = f"{run.id}/events/{sortable_name(now)}.json"
    open_store(run.store).write(key, event.model_dump_json(indent=2).encode())


def list_events(run: Run) -> list[Event]:
    """Return the events of the run, oldest first."""
    store = open_store(run.store)
    found = store.read_all(store.list(f"{run.id}/events/"))
    return [Event.model_validate_json(stored.content) for stored in found]


def sortable_name(moment: datetime.datetime) -> str:
    """Return a unique name that sorts by time."""
    return f"{moment:%Y%m%dT%H%M%S.%f}-{os.getpid()}-{next(_numbers):06}"
