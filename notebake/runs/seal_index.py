"""The rows of all sealed runs, kept in SQLite so that a list need not read each seal.

The index may be deleted at any time, and changes no answer: it is asked only for seals that the
record lists, each of its rows has a checksum, and what it does not have is read from the record.
"""

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from notebake.ledger.chain import RecordPlace
from notebake.ledger.entry import SEAL_KEY, SEALS, Entry
from notebake.ledger.summary import Summary
from notebake.local.atomic_files import make_private_directory
from notebake.local.home import HomeError, home
from notebake.record import digest_of
from notebake.runs.history_row import HistoryRow, row_of

log = logging.getLogger(__name__)
T = TypeVar("T")
FORMAT = 2
"""To be increased when rows change."""
CREATE = "CREATE TABLE IF NOT EXISTS rows (seal TEXT PRIMARY KEY, row TEXT, checksum TEXT)"
SELECT = "SELECT seal, row, checksum FROM rows"
INSERT = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)"
BATCH = 500
"""How many seals are in memory at a time."""
NOT_DAMAGED = tuple(
    f"SQLITE_{name}" for name in ("BUSY", "LOCKED", "READONLY", "CANTOPEN", "FULL", "IOERR")
)
"""Errors after which the index may still be right."""


class SealIndex:
    """The rows of the sealed runs of a record."""

    def __init__(self, place: RecordPlace) -> None:
        self._place = place
        self._path = _path_of(place)

    def rows(self) -> list[HistoryRow]:
        """Return the rows of all runs that are sealed now.

        Raises:
            RunStoreError: the store failed.
        """
        seals = latest_seals(self._place)
        known = self._read()
        rows = [HistoryRow.model_validate_json(known[seal]) for seal in seals if seal in known]
        missing = [seal for seal in seals if seal not in known]
        for start in range(0, len(missing), BATCH):
            found = [*self._read_seals(missing[start : start + BATCH])]
            self._write((seal, row.model_dump_json()) for seal, row in found if not row.error)
            rows += [row for _, row in found]
        return rows

    def _read_seals(self, seals: list[str]) -> Iterator[tuple[str, HistoryRow]]:
        keys = [self._place.prefix + seal for seal in seals]
        contents = self._place.store.read_all(keys)
        for seal, stored in zip(seals, contents, strict=True):
            yield seal, row_of_seal(seal, stored.content)

    def _read(self) -> dict[str, str]:
        """Return what the index has, by seal."""
        found = self._use(lambda database: database.execute(SELECT).fetchall()) or ()
        return {seal: row for seal, row, checksum in found if checksum == _check(seal, row)}

    def _write(self, rows: Iterable[tuple[str, str]]) -> None:
        content = [(seal, row, _check(seal, row)) for seal, row in rows]
        self._use(lambda database: database.executemany(INSERT, content))

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return the result of `work`; None if there is no index, or a damaged one."""
        if self._path is None:
            return None
        try:
            make_private_directory(self._path.parent)
            with closing(sqlite3.connect(self._path, timeout=1)) as database, database:
                database.execute(CREATE)
                return work(database)
        except sqlite3.Error as error:
            log.debug("The index %s is not used: %s", self._path, error)
            if not getattr(error, "sqlite_errorname", "").startswith(NOT_DAMAGED):
                self._path.unlink(missing_ok=True)
        except OSError as error:
            log.debug("There is no index: %s", error)
        return None


def latest_seals(place: RecordPlace) -> list[str]:
    """Return the keys of the copies of the seals of all runs that are not open again."""
    latest: dict[str, str] = {}
    for key in place.store.list(f"{place.prefix}{SEALS}/"):
        if found := SEAL_KEY.fullmatch(key.removeprefix(place.prefix)):
            latest[found["run"]] = "" if found["is_open"] else found[0]
    return [key for key in latest.values() if key]


def row_of_seal(seal: str, content: bytes) -> HistoryRow:
    """Return the row of the copy of a seal, or the error if it cannot be read."""
    run_id = seal.split("/")[1]
    try:
        summary = Summary.model_validate(Entry.model_validate_json(content).body["summary"])
        return row_of(summary).model_copy(update={"run_id": run_id})
    except (ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        return HistoryRow(run_id=run_id, is_sealed=True, error=f"its seal: {reason}")


def _check(seal: str, row: str) -> str:
    return hashlib.sha256(f"{seal}\n{row}".encode()).hexdigest()


def _path_of(place: RecordPlace) -> Path | None:
    """Return the file of the index; None if notebake has no home."""
    name = digest_of(FORMAT, place.store.location, place.prefix)
    try:
        return home() / "cache" / f"history-{name}.sqlite"
    except HomeError:
        return None
