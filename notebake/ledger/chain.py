"""The chain of one run: its entries in the record, and how an entry is added.

Each entry is an object of its own that is created only if it does not exist, so two writers can
never both write the same number. The writer whose entry is refused reads what the other one wrote,
and links its own entry to that.
"""

import logging
import threading
from dataclasses import dataclass
from typing import Any

from notebake import clock
from notebake.ledger.entry import FIRST, KEY, Entry, format_time, hash_of, key_of
from notebake.store.interface import RunStore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecordPlace:
    """Where entries are stored: a run store, and a prefix in it that ends with a slash, or ""."""

    store: RunStore
    prefix: str = ""

    def key(self, run: str, sequence: int) -> str:
        """Return the key of an entry in the store."""
        return self.prefix + key_of(run, sequence)


@dataclass(frozen=True)
class Writer:
    """Who writes entries."""

    who: str = ""
    execution: str = ""


class Chain:
    """The entries of a run, read once, and those that are added here. Threads may share it."""

    def __init__(self, place: RecordPlace, run: str, writer: Writer) -> None:
        self.run, self.writer = run, writer
        self._place = place
        self._lock = threading.Lock()
        self._is_read = False
        self._next, self._head = FIRST, ""
        self._entries: list[Entry] = []

    def entries(self) -> list[Entry]:
        """Return the entries that can be read, oldest first.

        Raises:
            RunStoreError: the store failed.
        """
        with self._lock:
            self._read()
            return list(self._entries)

    def append(self, kind: str, body: dict[str, Any]) -> Entry:
        """Add an entry; it is in the record when this returns.

        Raises:
            RunStoreError: the store failed. The entry may have been stored.
        """
        with self._lock:
            self._read()
            while True:
                entry = Entry(
                    run=self.run,
                    sequence=self._next,
                    previous=self._head,
                    time=format_time(clock.now()),
                    who=self.writer.who,
                    execution=self.writer.execution,
                    kind=kind,
                    body=body,
                )
                content = entry.content
                key = self._place.key(self.run, self._next)
                if self._place.store.create(key, content):
                    self._add(content, self._next)
                    return entry
                self._read_from_next()

    def _read(self) -> None:
        """Read the chain, unless that has been done."""
        if self._is_read:
            return
        prefix = f"{self._place.prefix}{self.run}/"
        keys = [key for key in self._place.store.list(prefix) if self._sequence_of(key)]
        for key, stored in zip(keys, self._place.store.read_all(keys), strict=True):
            self._add(stored.content, self._sequence_of(key))
        self._is_read = True

    def _read_from_next(self) -> None:
        """Read the entries that others have added meanwhile."""
        while stored := self._place.store.read(self._place.key(self.run, self._next)):
            self._add(stored.content, self._next)

    def _add(self, content: bytes, sequence: int) -> None:
        """Add stored bytes; what cannot be read stays in the chain, and `verify` reports it."""
        self._next, self._head = sequence + 1, hash_of(content)
        try:
            self._entries.append(Entry.model_validate_json(content))
        except ValueError:
            log.warning("Entry %s of the record of run %s cannot be read", sequence, self.run)

    def _sequence_of(self, key: str) -> int:
        """Return the number of an entry's key; 0 for other keys."""
        found = KEY.fullmatch(key.removeprefix(self._place.prefix))
        return int(found["sequence"]) if found else 0
