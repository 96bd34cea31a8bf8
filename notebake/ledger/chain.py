"""The chain of one run: its entries in the record, and how an entry is added.

Each entry is an object of its own that is created only if it does not exist, so two writers can
never both write the same number. The writer whose entry is refused reads what the other one wrote,
and links its own entry to that.

A sealed run has a copy of its last entry below `_seals/`, so that a list of runs reads no chains.
Before a sealed run is continued, a mark is created there. After a kill between two of these writes
a reader finds the copy missing, or the mark without an entry, and reads the chain.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from notebake import clock
from notebake.ledger.entry import (
    FIRST,
    KEY,
    Entry,
    format_time,
    hash_of,
    key_of,
    open_key_of,
    seal_key_of,
)
from notebake.ledger.entry_anchor import EntryAnchor
from notebake.ledger.kinds import REOPENED, SEALED
from notebake.ledger.redaction import redact
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

    @property
    def root(self) -> str:
        """The record's location, for people."""
        folder = self.prefix.removesuffix("/")
        return self.store.where(folder) if folder else self.store.location

    def read_below(self, folder: str) -> dict[str, bytes]:
        """Return what is stored below a folder of the record, sorted by the keys within it."""
        keys = self.store.list(f"{self.prefix}{folder}/")
        contents = [stored.content for stored in self.store.read_all(keys)]
        return dict(zip((key.removeprefix(self.prefix) for key in keys), contents, strict=True))


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
        self._next, self._head, self._last_kind = FIRST, "", ""
        self._entries: list[Entry] = []

    def entries(self) -> list[Entry]:
        """Return the entries that can be read, oldest first.

        Raises:
            RunStoreError: the store failed.
        """
        with self._lock:
            self._read()
            return list(self._entries)

    def head(self) -> str:
        """Return the hash of the last entry; "" if there is none. Raises as `entries` does."""
        with self._lock:
            self._read()
            return self._head

    def anchor(self) -> EntryAnchor | None:
        """Return number and hash of the last entry; None if there is none. Raises as `entries`."""
        with self._lock:
            self._read()
            return EntryAnchor(sequence=self._next - 1, head=self._head) if self._head else None

    def append(self, kind: str, body: dict[str, Any]) -> Entry:
        """Add an entry; it is in the record when this returns. A sealed run is reopened before.

        Raises:
            RunStoreError: the store failed. The entry may have been stored.
        """
        with self._lock:
            self._read()
            while True:
                if self._last_kind == SEALED:
                    self._reopen()
                elif entry := self._try_to_append(kind, body):
                    return entry

    def append_if(
        self, decide: Callable[[Sequence[Entry]], tuple[str, dict[str, Any]] | None]
    ) -> Entry | None:
        """Add what `decide` makes of all entries, as kind and body; None if it makes nothing.

        It is asked again if another writer has added entries meanwhile: so what is added fits all
        that is before it. What it raises is raised.

        Raises:
            RunStoreError: the store failed. The entry may have been stored.
        """
        with self._lock:
            self._read()
            self._read_from_next()
            while (wanted := decide(self._entries)) is not None:
                if entry := self._try_to_append(*wanted):
                    return entry
            return None

    def close(self, summarize: Callable[[Sequence[Entry]], dict[str, Any] | None]) -> Entry | None:
        """Add the seal with the summary of all entries, and store its copy.

        Return None if `summarize` returns None, as the run is not finished.
        """
        with self._lock:
            self._read()
            while (summary := summarize(self._entries)) is not None:
                body = {"count": self._next - FIRST, "head": self._head, "summary": summary}
                if entry := self._try_to_append(SEALED, body):
                    self._place.store.create(self._seal_key(entry.sequence), entry.content)
                    return entry
            return None

    def _reopen(self) -> None:
        """Record that a sealed run is continued; readers of the seals see it before it is."""
        store, sealed = self._place.store, self._next - 1
        if stored := store.read(self._place.key(self.run, sealed)):
            # It is missing if the process was killed that sealed the run.
            store.create(self._seal_key(sealed), stored.content)
        store.create(self._place.prefix + open_key_of(self.run, self._next), b"{}")
        self._try_to_append(REOPENED, {"sealed": sealed})

    def _try_to_append(self, kind: str, body: dict[str, Any]) -> Entry | None:
        """Add an entry; None if another writer had the number, whose entries are read then."""
        entry = Entry(
            run=self.run,
            sequence=self._next,
            previous=self._head,
            time=format_time(clock.now()),
            who=self.writer.who,
            execution=self.writer.execution,
            kind=kind,
            body=redact(body),
        )
        content = entry.content
        if self._place.store.create(self._place.key(self.run, self._next), content):
            self._add(content, self._next)
            return entry
        self._read_from_next()
        return None

    def _read(self) -> None:
        """Read the chain, unless that has been done."""
        if self._is_read:
            return
        for key, content in self._place.read_below(self.run).items():
            if found := KEY.fullmatch(key):
                self._add(content, int(found["sequence"]))
        self._is_read = True

    def _read_from_next(self) -> None:
        """Read the entries that others have added meanwhile."""
        while stored := self._place.store.read(self._place.key(self.run, self._next)):
            self._add(stored.content, self._next)

    def _add(self, content: bytes, sequence: int) -> None:
        """Add stored bytes; what cannot be read stays in the chain, and `verify` reports it."""
        self._next, self._head, self._last_kind = sequence + 1, hash_of(content), ""
        try:
            self._entries.append(Entry.model_validate_json(content))
            self._last_kind = self._entries[-1].kind
        except ValueError:
            log.warning("Entry %s of the record of run %s cannot be read", sequence, self.run)

    def _seal_key(self, sequence: int) -> str:
        return self._place.prefix + seal_key_of(self.run, sequence)
