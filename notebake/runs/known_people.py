"""All people of a record: who each pseudonym is, how many runs mention it, and who was erased."""

from collections import Counter
from collections.abc import Iterator

from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.kinds import AWARD
from notebake.record import Record
from notebake.runs.erasure import Erasure, read_erasures
from notebake.runs.history import list_rows
from notebake.runs.people import Person, read_people
from notebake.runs.run_record import record_place


class KnownPerson(Record):
    """A pseudonym, and what the record has of it."""

    pseudonym: str
    person: Person | None
    """None if the record holds no name for it any more."""
    runs: int
    """How many runs mention it: as who executed them, as an identity in AWS, or for an award."""
    erasure: Erasure | None = None


def list_people(location: str) -> list[KnownPerson]:
    """Return all pseudonyms, those without a name last.

    The principal investigators of awards are in the chains of the runs, so these are read.

    Raises:
        RunStoreError: the store failed.
    """
    place = record_place(location)
    people, erasures = read_people(place), read_erasures(place)
    counted: Counter[str] = Counter()
    for row in list_rows(location)[0]:
        investigators = _investigators(place, row.run_id) if row.awards else ()
        counted.update({*row.people, *row.identities, *investigators})
    nameless = sorted({*counted, *erasures} - people.keys())
    return [
        KnownPerson(
            pseudonym=pseudonym,
            person=people.get(pseudonym),
            runs=counted[pseudonym],
            erasure=None if pseudonym in people else erasures.get(pseudonym),
        )
        for pseudonym in (*people, *nameless)
    ]


def _investigators(place: RecordPlace, run: str) -> Iterator[str]:
    for entry in Chain(place, run, Writer()).entries():
        if entry.kind == AWARD:
            for award in entry.body.get("awards", ()):
                if pseudonym := (award.get("known") or {}).get("pi"):
                    yield str(pseudonym)
