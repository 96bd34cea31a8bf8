"""The record of a run, opened for one execution or for one look.

Only the holder of the run lock adds what steps and calls do; it reads the chain once.
"""

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from notebake.aws.model import Stack
from notebake.errors import RunStoreError
from notebake.ledger.attempt import Attempt, AttemptHistory
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.recording import recording
from notebake.runs.open_store import open_store
from notebake.runs.reserved_ids import LOGS, RECORD, RESERVED_IDS

PREFIX = f"{RECORD}/"
"""Where the record is in a run store."""
PLACE = f"{PREFIX}place"
"""Names the store of the record, if it is another one."""


class RunRecord:
    """The chain of a run, what it shows of attempts, and the tags that were just written."""

    def __init__(self, stack: Stack, writer: Writer) -> None:
        self.run_id = stack.id
        self.chain = Chain(record_place(stack.store), stack.id, writer)
        self.tagged: set[tuple[str, frozenset[str]]] = set()
        """Resource ids with the keys of tags that were written together."""
        self._stack = stack
        self._lock = threading.Lock()
        self._history: AttemptHistory | None = None
        self._counted = 0

    def attempts(self, read_earlier: Callable[[Stack], list[Attempt]]) -> list[Attempt]:
        """Return the attempts; `read_earlier` gives those from before the ledger."""
        with self._lock:
            entries = self.chain.entries()
            if self._history is None:
                self._history = AttemptHistory(read_earlier(self._stack))
            for entry in entries[self._counted :]:
                self._history.add(entry)
            self._counted = len(entries)
            return self._history.attempts()


_record: ContextVar[RunRecord | None] = ContextVar("record of the run", default=None)


@contextmanager
def recording_run(stack: Stack, writer: Writer) -> Iterator[RunRecord]:
    """Record what the block does, as the execution that holds the run."""
    opened = RunRecord(stack, writer)
    token = _record.set(opened)
    try:
        with recording(opened.chain):
            yield opened
    finally:
        _record.reset(token)


def executing_record(stack: Stack) -> RunRecord | None:
    """Return the record of this execution; None outside an execution of this run."""
    opened = _record.get()
    return opened if opened and opened.run_id == stack.id else None


def run_record(stack: Stack) -> RunRecord:
    """Return the record of the execution of this run, or the record as it is now."""
    return executing_record(stack) or RunRecord(stack, Writer())


def record_place(location: str) -> RecordPlace:
    """Return where the record of a run store is kept.

    Raises:
        RunStoreError: $NOTEBAKE_RECORD names another place than the run store has recorded, or
            the run store names one and has entries itself.
    """
    named = _named_place(location, os.environ.get("NOTEBAKE_RECORD", ""))
    return RecordPlace(open_store(named)) if named else usual_place(location)


def usual_place(location: str) -> RecordPlace:
    """Return where the record of a run store is unless the store names another place."""
    return RecordPlace(open_store(location), PREFIX)


def recorded_runs(place: RecordPlace) -> set[str]:
    """Return the ids of the runs that have entries; one listing, however many entries they have."""
    return recorded_chains(place) - LOGS


def recorded_chains(place: RecordPlace) -> set[str]:
    """Return the ids of the runs that have entries, and the names of the logs that do."""
    return {*place.store.list_top_level(place.prefix)} - (RESERVED_IDS - LOGS)


@functools.cache
def _named_place(location: str, wanted: str) -> str:
    """Return the other store in which the record is kept; "" for the run store itself."""
    store = open_store(location)
    if wanted and RECORD not in store.list_top_level():
        store.create(PLACE, wanted.encode())
    stored = store.read(PLACE)
    named = stored.content.decode() if stored else ""
    if wanted and named != wanted:
        raise RunStoreError(
            f"The record of the runs in {location} is kept in {named or store.where(RECORD)}, but"
            f" NOTEBAKE_RECORD is {wanted}. A record cannot be moved.",
            f"Type: export NOTEBAKE_RECORD={named}" if named else "Type: unset NOTEBAKE_RECORD",
        )
    is_elsewhere = named and open_store(named).location != store.where(RECORD)
    if is_elsewhere and store.list_top_level(PREFIX):
        raise RunStoreError(
            f"{store.where(PLACE)} names {named} as the place of the record, but"
            f" {store.where(RECORD)} has entries, too. A record is in one place, and nothing moves"
            " it there.",
            "Find out which of the two the runs have written. If somebody has added the file that"
            " names the other place, delete it; otherwise take away the entries beside it.",
        )
    return named
