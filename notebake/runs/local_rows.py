"""The rows of sealed runs that this machine keeps: an SQLite file, each row with a checksum."""

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from notebake.ledger.chain import RecordPlace
from notebake.local.atomic_files import make_private_directory
from notebake.local.home import HomeError, home
from notebake.record import digest_of

log = logging.getLogger(__name__)
T = TypeVar("T")
CREATE = "CREATE TABLE IF NOT EXISTS rows (seal TEXT PRIMARY KEY, row TEXT, checksum TEXT)"
SELECT = "SELECT seal, row, checksum FROM rows"
INSERT = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)"
NOT_DAMAGED = tuple(
    f"SQLITE_{name}" for name in ("BUSY", "LOCKED", "READONLY", "CANTOPEN", "FULL", "IOERR")
)
"""Errors after which the index may still be right."""


class LocalRows:
    """The rows of one kind for one record. What cannot be read or written is not kept."""

    def __init__(self, place: RecordPlace, name: str, format: int) -> None:
        self._path = _path_of(place, name, format)

    def read(self) -> dict[str, str]:
        """Return the rows that are not damaged, by the keys of their seals."""
        found = self._use(lambda database: database.execute(SELECT).fetchall()) or ()
        return {seal: row for seal, row, checksum in found if checksum == _check(seal, row)}

    def write(self, rows: Mapping[str, str]) -> None:
        """Keep rows."""
        content = [(seal, row, _check(seal, row)) for seal, row in rows.items()]
        if content:
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


def _check(seal: str, row: str) -> str:
    return hashlib.sha256(f"{seal}\n{row}".encode()).hexdigest()


def _path_of(place: RecordPlace, name: str, format: int) -> Path | None:
    """Return the file of the index; None if notebake has no home."""
    digest = digest_of(format, place.store.location, place.prefix)
    try:
        return home() / "cache" / f"{name}-{digest}.sqlite"
    except HomeError:
        return None
