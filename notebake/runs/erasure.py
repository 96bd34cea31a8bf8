"""Erases people from the file that says who the pseudonyms are, and keeps a log of that.

The log is a chain like that of a run: verification reads it, and checkpoints cover it. It says when
which pseudonym was erased, by which pseudonym and why; it holds no names.
"""

import re
from collections.abc import Iterable, Mapping

from notebake.errors import NextCommand, NotebakeError
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.kinds import ERASED
from notebake.record import Record
from notebake.runs.people import Person, pseudonym_of, read_people, remove_people, this_person
from notebake.runs.reserved_ids import PEOPLE_LOG

SHORTEST_NAME = 3
LIST = NextCommand(("history", "people"), "To list them")


class Erasure(Record):
    """A line of the log."""

    at: str
    """UTC, as in an entry."""
    by: str
    """The pseudonym of whoever did it."""
    because: str
    """The reason that was given; "" if none was."""


def find_people(text: str, people: Mapping[str, Person]) -> dict[str, Person]:
    """Return the people whom a text means, by pseudonym: each of its accounts.

    It is a pseudonym, or a whole login, name or identity in AWS, or the last part of an identity.

    Raises:
        NotebakeError: it means nobody.
    """
    found = {
        pseudonym: person
        for pseudonym, person in people.items()
        if text == pseudonym or text.lower() in _names_of(person)
    }
    if not found:
        raise NotebakeError(
            f"The record knows nobody as {text!r}.",
            "A person is meant by a pseudonym, or by a whole login, name or identity in AWS.",
        ).with_next(LIST)
    return found


def check_reason(because: str, erased: Iterable[Person]) -> None:
    """Raise NotebakeError if a reason names those who are erased: it could never be taken out."""
    for person in erased:
        for name in sorted({*_names_of(person), *_words_of(person)}):
            if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", because.lower()):
                raise NotebakeError(
                    f"The reason names {name!r}, who is to be erased; the log is never changed.",
                    "Give a reason without names: --because 'asked for it on 3 March'",
                )


def erase(meant: Mapping[str, Person], place: RecordPlace, because: str) -> list[str]:
    """Write the log, then remove the people's lines; return the pseudonyms that were erased.

    May be repeated after a kill in between. The log needs a pseudonym of whoever erases: if that
    person is erased, and had none on this computer yet, the new one goes, too.

    Raises:
        RunStoreError: the store failed. Who is still listed was not erased.
    """
    before, this = read_people(place), this_person()
    by, erased = pseudonym_of(this, place), {*meant}
    names = {name for person in meant.values() for name in _names_of(person)}
    if by not in before and names & _names_of(this):
        erased.add(by)
    log = Chain(place, PEOPLE_LOG, Writer(who=by))
    for pseudonym in sorted(erased):
        log.append(ERASED, {"person": pseudonym, "because": because})
    remove_people(erased, place)
    return sorted(erased)


def read_erasures(place: RecordPlace) -> dict[str, Erasure]:
    """Return the last erasure of each pseudonym."""
    entries = Chain(place, PEOPLE_LOG, Writer()).entries()
    return {
        str(entry.body["person"]): Erasure(
            at=entry.time, by=entry.who, because=str(entry.body.get("because", ""))
        )
        for entry in entries
        if entry.kind == ERASED
    }


def _names_of(person: Person) -> set[str]:
    """Return by what a person is known, in lower case."""
    last = person.arn.rpartition("/")[2]
    return {
        name.lower() for name in (person.login, person.name, person.arn, last, person.label) if name
    }


def _words_of(person: Person) -> set[str]:
    """Return the parts of a name or of a login, in lower case; initials are none."""
    text = f"{person.name} {person.login} {person.arn.rpartition('/')[2]}".lower()
    return {word for word in re.findall(r"\w+", text) if len(word) >= SHORTEST_NAME}
