"""People: the record holds pseudonyms, and one small file says who they are.

The file is no part of any chain. So a person can be erased from it, and each chain still verifies.
"""

import getpass
import os
import secrets
import socket
from collections.abc import Collection, Mapping

from pydantic import TypeAdapter

from notebake.errors import RunStoreError
from notebake.ledger.chain import RecordPlace
from notebake.record import Record

KEY = "people.json"


class Person(Record):
    """An account of a person or of a service, as a computer or AWS knows it."""

    login: str = ""
    """The name of the user on a computer."""
    host_name: str = ""
    arn: str = ""
    """The identity in AWS, if that is what the pseudonym stands for."""
    name: str = ""
    """The name, if the pseudonym stands for somebody of whom nothing else is known."""

    @property
    def label(self) -> str:
        """The identity for people: a name, an identity in AWS, or a login with its computer."""
        return self.name or self.arn or f"{self.login} on {self.host_name}"


PEOPLE = TypeAdapter(dict[str, Person])


def this_person() -> Person:
    """Return the user of this process."""
    try:
        login = getpass.getuser()
    except (KeyError, OSError):
        login = f"uid {os.getuid()}"
    return Person(login=login, host_name=socket.gethostname())


def pseudonym_of(person: Person, place: RecordPlace) -> str:
    """Return the pseudonym of a person in this record; the first call makes it.

    Raises:
        RunStoreError: the store failed.
    """
    key = place.prefix + KEY
    while True:
        stored = place.store.read(key)
        people = _parse(stored.content, place) if stored else {}
        for pseudonym, known in people.items():
            if known == person:
                return pseudonym
        # Random, so that nobody can compute it from a name: who was erased gets another one.
        pseudonym = f"p-{secrets.token_hex(4)}"
        content = PEOPLE.dump_json(people | {pseudonym: person}, indent=2)
        if stored is None:
            is_written = place.store.create(key, content)
        else:
            is_written = place.store.replace(key, content, version=stored.version)
        if is_written:
            return pseudonym


def remove_people(pseudonyms: Collection[str], place: RecordPlace) -> None:
    """Remove people from the file; what others write into it meanwhile stays.

    Raises:
        RunStoreError: the store failed.
    """
    key = place.prefix + KEY
    while stored := place.store.read(key):
        people = _parse(stored.content, place)
        left = {name: person for name, person in people.items() if name not in pseudonyms}
        content = PEOPLE.dump_json(left, indent=2)
        if left == people or place.store.replace(key, content, version=stored.version):
            return


def read_people(place: RecordPlace) -> dict[str, Person]:
    """Return all people of a record by pseudonym.

    Raises:
        RunStoreError: the store failed, or the file cannot be read.
    """
    stored = place.store.read(place.prefix + KEY)
    return _parse(stored.content, place) if stored else {}


def _parse(content: bytes, place: RecordPlace) -> dict[str, Person]:
    try:
        return PEOPLE.validate_json(content)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise RunStoreError(
            f"{place.store.where(place.prefix + KEY)} should say who the pseudonyms are, and"
            f" cannot be read: {reason}",
            "Correct it, or put it back from a copy; the chains of the runs do not depend on it.",
        ) from error


def name_of(pseudonym: str, people: Mapping[str, Person]) -> str:
    """Return who a pseudonym is; the pseudonym itself if that person was erased."""
    if not pseudonym:
        return "unknown"
    return people[pseudonym].label if pseudonym in people else pseudonym


def is_meant(pseudonym: str, text: str, people: Mapping[str, Person]) -> bool:
    """Return whether a text means the person: a pseudonym, a login, or a part of an identity."""
    person = people.get(pseudonym)
    is_named = person is not None and text.lower() in person.label.lower()
    return text == pseudonym or is_named
