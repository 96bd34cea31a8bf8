"""Whether the chain of a run is intact, as far as the chain itself can show it.

A chain shows that an entry was changed, dropped, swapped or inserted. It does not show that its
tail was cut, that all of it was written anew, or that the whole run was removed: for that, what is
kept outside the record must be compared.
"""

from collections.abc import Mapping
from enum import StrEnum

from notebake.ledger.chain import RecordPlace
from notebake.ledger.entry import FIRST, KEY, Entry, hash_of
from notebake.record import Record


class Fault(StrEnum):
    """What is wrong in a chain."""

    UNREADABLE = "cannot be read"
    MISSING = "is missing"
    MISNUMBERED = "has the number of another entry"
    OTHER_RUN = "belongs to another run"
    NOT_LINKED = "does not name the hash of the entry before it"


class Finding(Record):
    """One fault of a chain."""

    run: str
    sequence: int
    fault: Fault
    detail: str = ""

    def __str__(self) -> str:
        more = f": {self.detail}" if self.detail else ""
        return f"Entry {self.sequence} of run {self.run} {self.fault}{more}"


class ChainReport(Record):
    """What the verification of a chain has shown."""

    run: str
    count: int
    """Entries that are there."""
    head: str
    """The hash of the last entry; "" if there is none."""
    findings: tuple[Finding, ...] = ()


def verify_run(place: RecordPlace, run: str) -> ChainReport:
    """Read all entries of a run, and return whether they form a chain.

    Raises:
        RunStoreError: the store failed, so nothing can be said.
    """
    prefix = f"{place.prefix}{run}/"
    contents = {}
    for key in place.store.list(prefix):
        found = KEY.fullmatch(key.removeprefix(place.prefix))
        stored = place.store.read(key) if found else None
        if found and stored:
            contents[int(found["sequence"])] = stored.content
    return verify_chain(run, contents)


def verify_chain(run: str, contents: Mapping[int, bytes]) -> ChainReport:
    """Return whether stored entries, by the numbers in their keys, form a chain."""
    findings: list[Finding] = []
    previous = ""
    last = max(contents, default=FIRST - 1)
    for sequence in range(FIRST, last + 1):
        content = contents.get(sequence)
        if content is None:
            findings.append(Finding(run=run, sequence=sequence, fault=Fault.MISSING))
            continue
        findings += _verify_entry(run, sequence, content, previous)
        previous = hash_of(content)
    return ChainReport(run=run, count=len(contents), head=previous, findings=tuple(findings))


def _verify_entry(run: str, sequence: int, content: bytes, previous: str) -> list[Finding]:
    try:
        entry = Entry.model_validate_json(content)
    except ValueError as error:
        detail = str(error).splitlines()[0]
        return [Finding(run=run, sequence=sequence, fault=Fault.UNREADABLE, detail=detail)]
    faults = []
    if entry.sequence != sequence:
        faults.append((Fault.MISNUMBERED, f"it is {entry.sequence}"))
    if entry.run != run:
        faults.append((Fault.OTHER_RUN, entry.run))
    if entry.previous != previous:
        faults.append((Fault.NOT_LINKED, ""))
    return [
        Finding(run=run, sequence=sequence, fault=fault, detail=detail) for fault, detail in faults
    ]
