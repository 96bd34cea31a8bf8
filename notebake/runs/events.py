"""What happened in a run: events in order, each a file of its own that is never changed."""

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
    """One line of what happened."""

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
    """Keep what came of a step; it is kept when this returns."""
    now = utc_from_seconds(clock.now())
    event = Event(at=now, step=step, happening=happening, seconds=seconds, detail=detail or {})
    key = f"{run.id}/events/{moment_name(now)}.json"
    open_store(run.store).write(key, event.model_dump_json(indent=2).encode())


def events(run: Run) -> list[Event]:
    """Return all that happened in the run, in order."""
    store = open_store(run.store)
    found = store.read_all(store.list(f"{run.id}/events/"))
    return [Event.model_validate_json(stored.content) for stored in found]


def moment_name(moment: datetime.datetime) -> str:
    """Return a name that sorts by time and that no other writer gives."""
    return f"{moment:%Y%m%dT%H%M%S.%f}-{os.getpid()}-{next(_numbers):06}"
