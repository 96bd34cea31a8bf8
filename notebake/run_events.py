"""What happened in a run: events in order, each a file of its own that is never changed."""

import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from notebake.records import Record, Run
from notebake.run_store import open_store

Happening = Literal["intent", "started", "found", "done", "failed", "undone"]


class Event(Record):
    """One line of what happened."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime.datetime
    step: str
    happening: Happening
    detail: dict[str, Any]
    seconds: float | None = None


def record_intent(run: Run, step: str, detail: dict[str, Any]) -> None:
    """Keep that the step is about to create something; it is on disk when this returns."""
    _append(run, step, "intent", None, detail)


def record_outcome(
    run: Run,
    step: str,
    happening: Happening,
    *,
    seconds: float | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Keep what came of a step, with the ids of what it made in `detail`."""
    _append(run, step, happening, seconds, detail or {})


def intents(run: Run) -> list[Event]:
    """Return what the run was about to create, in order."""
    return [event for event in events(run) if event.happening == "intent"]


def events(run: Run) -> list[Event]:
    """Return all that happened in the run, in order."""
    store = open_store(run.store)
    found = [stored for key in store.list(f"{run.id}/events/") if (stored := store.read(key))]
    return [Event.model_validate_json(stored.content) for stored in found]


def _append(
    run: Run, step: str, happening: Happening, seconds: float | None, detail: dict[str, Any]
) -> None:
    """Take the next free number; whoever lost it to another writer takes the one after."""
    now = datetime.datetime.now(datetime.UTC)
    event = Event(at=now, step=step, happening=happening, seconds=seconds, detail=detail)
    store, content = open_store(run.store), event.model_dump_json(indent=2).encode()
    number = len(store.list(f"{run.id}/events/")) + 1
    while not store.create(f"{run.id}/events/{number:06}.json", content):
        number += 1
