"""The outcomes of steps, from the ledger of a run and from the files of runs begun before it."""

import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from notebake.ledger.entry import Entry
from notebake.ledger.kinds import STEP
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.runs.run_record import run_record

Happening = Literal["found", "done", "failed", "undone"]


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
    """Record the outcome of a step; it is in the ledger when this returns."""
    body = {"step": step, "happening": happening, "seconds": seconds, "detail": detail or {}}
    run_record(run).chain.append(STEP, body)


def list_events(run: Run) -> list[Event]:
    """Return the outcomes of the run's steps, oldest first."""
    store = open_store(run.store)
    earlier = store.read_all(store.list(f"{run.id}/events/"))
    entries = run_record(run).chain.entries()
    return [Event.model_validate_json(stored.content) for stored in earlier] + [
        _event_of(entry) for entry in entries if entry.kind == STEP
    ]


def _event_of(entry: Entry) -> Event:
    return Event.model_validate({"at": entry.time, **entry.body})
