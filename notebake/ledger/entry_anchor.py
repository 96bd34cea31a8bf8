"""What is kept of a run's chain outside of the record, such as in a tag of its image."""

import re
from collections.abc import Callable

from notebake.record import Record

ANCHOR = re.compile(r"(?P<sequence>[1-9][0-9]{0,7}):(?P<head>[0-9a-f]{64})")


class EntryAnchor(Record):
    """The number of an entry, and the SHA-256 of its stored bytes in hexadecimal."""

    sequence: int
    head: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.head}"


def parse_entry_anchor(text: str) -> EntryAnchor | None:
    """Return the anchor in a text as `str` gives it; None if it is none."""
    found = ANCHOR.fullmatch(text)
    return EntryAnchor(sequence=int(found["sequence"]), head=found["head"]) if found else None


def compare_anchor(run: str, anchor: EntryAnchor, hash_at: Callable[[int], str | None]) -> str:
    """Return a sentence if the entry is not the one of the anchor; "" if it is.

    `hash_at` returns the hash of the entry with a number; None if it is not there.
    """
    found = hash_at(anchor.sequence)
    if found == anchor.head:
        return ""
    what = "is not there" if found is None else f"is another one now, with the hash {found}"
    return f"Entry {anchor.sequence} of run {run}, which the anchor names, {what}"
