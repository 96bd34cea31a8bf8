"""The rows of all sealed runs, kept so that neither a list nor a survey reads each seal.

They are kept in two places: on this machine, and in a run store on S3 for machines that have not
read it before. Both may be deleted at any time, and change no answer: they are asked only for seals
that the record lists, damaged rows are not used, and what neither has is read from the record.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from notebake.ledger.chain import RecordPlace
from notebake.ledger.entry import SEAL_KEY, SEALS
from notebake.record import Record
from notebake.runs.local_rows import LocalRows
from notebake.runs.open_store import open_store
from notebake.runs.run_record import record_place
from notebake.runs.shared_rows import ROWS_IN_OBJECT, SharedRows

Row = TypeVar("Row", bound=Record)
SINGLY = 25
"""So many seals are read one by one. If more are missing, the shared rows are read as well, and
what they do not have is added to them."""


@dataclass(frozen=True)
class RowKind(Generic[Row]):
    """One kind of rows, and how they are made of seals."""

    name: str
    format: int
    """To be increased when the same seal gives another row."""
    model: type[Row]
    read: Callable[[str, Mapping[str, bytes]], list[Row]]
    """Makes the rows of the copies of some seals, given the location of the run store."""
    is_lasting: Callable[[Row], bool]
    """Whether a row stays right as long as the record has the seal: it could be read."""


class SealIndex(Generic[Row]):
    """The rows of the sealed runs of a run store."""

    def __init__(self, location: str, kind: RowKind[Row]) -> None:
        self._location, self._kind = location, kind
        self._place = record_place(location)
        self._local = LocalRows(self._place, kind.name, kind.format)
        self._shared = SharedRows(open_store(location), kind.name, kind.format)

    def rows(self) -> list[Row]:
        """Return the rows of all runs that are sealed now.

        Raises:
            RunStoreError: the store failed.
        """
        seals = latest_seals(self._place)
        found = self._parsed(self._local.read(), seals)
        if len(seals) - len(found) > SINGLY:
            shared = self._shared.read()
            more = self._parsed(shared, (seal for seal in seals if seal not in found))
            self._local.write({seal: shared[seal] for seal in more})
            found |= more
        rows = [found[seal] for seal in seals if seal in found]
        for made in self._read_seals([seal for seal in seals if seal not in found]):
            rows += made.values()
            lasting = self._lasting(made)
            self._local.write(lasting)
            if len(lasting) > SINGLY:
                self._shared.add(lasting)
        return rows

    def share(self) -> None:
        """Let the store have the rows of all runs that are sealed now. Raises as `rows` does."""
        if not self._shared.are_used:
            return
        self.rows()
        shared, local = self._shared.read(), self._local.read()
        missing = [seal for seal in latest_seals(self._place) if seal not in shared]
        known = {seal: local[seal] for seal in self._parsed(local, missing)}
        for made in self._read_seals([seal for seal in missing if seal not in known]):
            known |= self._lasting(made)
        self._shared.add(known)

    def _parsed(self, rows: Mapping[str, str], seals: Iterator[str] | list[str]) -> dict[str, Row]:
        """Return the rows of these seals that this version can read."""
        found: dict[str, Row] = {}
        for seal in seals:
            try:
                if row := rows.get(seal):
                    found[seal] = self._kind.model.model_validate_json(row)
            except ValueError:
                continue
        return found

    def _read_seals(self, seals: list[str]) -> Iterator[dict[str, Row]]:
        """Yield the rows of the seals, so many at a time as are in memory."""
        for start in range(0, len(seals), ROWS_IN_OBJECT):
            some = seals[start : start + ROWS_IN_OBJECT]
            stored = self._place.store.read_all(self._place.prefix + seal for seal in some)
            contents = {seal: each.content for seal, each in zip(some, stored, strict=True)}
            yield dict(zip(some, self._kind.read(self._location, contents), strict=True))

    def _lasting(self, rows: Mapping[str, Row]) -> dict[str, str]:
        is_lasting = self._kind.is_lasting
        return {seal: row.model_dump_json() for seal, row in rows.items() if is_lasting(row)}


def latest_seals(place: RecordPlace) -> list[str]:
    """Return the keys of the copies of the seals of all runs that are not open again."""
    latest: dict[str, str] = {}
    for key in place.store.list(f"{place.prefix}{SEALS}/"):
        if found := SEAL_KEY.fullmatch(key.removeprefix(place.prefix)):
            latest[found["run"]] = "" if found["is_open"] else found[0]
    return [key for key in latest.values() if key]


def run_of(seal: str) -> str:
    """Return the id of the run of a seal, by the key of its copy."""
    return seal.split("/")[1]
