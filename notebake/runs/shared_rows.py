"""The rows of sealed runs that a run store on S3 keeps for every machine, many in an object.

summaries/<kind>-<format>/0001.gz …   lines of the key of a seal, a tab, and its row as JSON

Rows are added to the last object until that is full, then to a new one. Who finds that another
process writes at the same moment adds nothing: the next one who misses the rows does.
"""

import gzip
import logging
import re
import zlib
from collections.abc import Iterable, Mapping
from itertools import islice

from notebake.errors import NotebakeError
from notebake.runs.reserved_ids import SUMMARIES
from notebake.store.interface import RunStore, Stored

log = logging.getLogger(__name__)
ROWS_IN_OBJECT = 1000
NUMBERED = re.compile(r"/(\d+)\.gz$")


class SharedRows:
    """The rows of one kind in a run store; none in a directory, where seals are read as fast."""

    def __init__(self, store: RunStore, name: str, format: int) -> None:
        self._store, self._folder = store, f"{SUMMARIES}/{name}-{format}"

    @property
    def are_used(self) -> bool:
        return self._store.local_path(self._folder) is None

    def read(self) -> dict[str, str]:
        """Return all rows that can be read, by the keys of their seals; without them seals are."""
        if not self.are_used:
            return {}
        found: dict[str, str] = {}
        try:
            for stored in self._store.read_all(self._store.list(f"{self._folder}/")):
                found |= _parse(stored)
        except NotebakeError as error:
            log.debug("The shared summaries are not read: %s", error.message)
        return found

    def add(self, rows: Mapping[str, str]) -> None:
        """Keep more rows, unless the store refuses that: whoever may only read can list as well."""
        if not (rows and self.are_used):
            return
        try:
            self._add(rows)
        except NotebakeError as error:
            log.debug("The summaries of %d runs are not shared: %s", len(rows), error.message)

    def _add(self, rows: Mapping[str, str]) -> None:
        keys = self._store.list(f"{self._folder}/")
        last = self._store.read(keys[-1]) if keys else None
        waiting = iter(rows.items())
        if last:
            kept = _parse(last)
            more = dict(islice(waiting, max(0, ROWS_IN_OBJECT - len(kept))))
            content = _content_of(kept | more)
            if more and not self._store.replace(keys[-1], content, version=last.version):
                log.debug("Another process changes %s at present", keys[-1])
                return
        # The oldest objects may be deleted at any time.
        number = max(map(_number_of, keys), default=0)
        while some := dict(islice(waiting, ROWS_IN_OBJECT)):
            number += 1
            if not self._store.create(f"{self._folder}/{number:04}.gz", _content_of(some)):
                log.debug("Another process shares the same rows at present")
                return


def _number_of(key: str) -> int:
    found = NUMBERED.search(key)
    return int(found[1]) if found else 0


def _content_of(rows: Mapping[str, str]) -> bytes:
    lines = (f"{seal}\t{row}\n" for seal, row in rows.items())
    return gzip.compress("".join(lines).encode(), mtime=0)


def _parse(stored: Stored) -> dict[str, str]:
    """Return the rows of an object; none if it is damaged, which gzip's checksum shows."""
    try:
        text = gzip.decompress(stored.content).decode()
    except (OSError, EOFError, ValueError, zlib.error) as error:
        log.debug("Summaries in the run store cannot be read: %s", error)
        return {}
    return dict(_split(text.splitlines()))


def _split(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        seal, separator, row = line.partition("\t")
        if separator:
            yield seal, row
