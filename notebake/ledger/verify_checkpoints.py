"""What the checkpoints of a record show of its runs, and what an anchor shows of the checkpoints.

A checkpoint shows that a run was removed, that its end was cut, or that all of it was written anew
by somebody who lacks the signing key. Whoever has the key can write the checkpoints anew as well:
only an anchor shows that, a tree head that was kept outside of the record.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from notebake.ledger.checkpoint import (
    FIRST,
    Anchor,
    Checkpoint,
    Leaf,
    TreeHead,
    parse_note,
    tree_head,
)
from notebake.ledger.signed_note import NoteKey, is_signed_by, parse_key
from notebake.record import Record

HeadAt = Callable[[str, int], str | None]
"""Returns the hash of an entry by run and number, in hexadecimal; None if it is not there."""


class CheckpointFault(StrEnum):
    """What is wrong with a checkpoint, or with a run under it."""

    MISSING = "is missing"
    UNREADABLE = "cannot be read"
    MISNUMBERED = "has the number of another checkpoint"
    NO_KEY = "does not announce the key that signs it"
    NOT_SIGNED = "does not carry a valid signature of the key that was announced"
    KEY_CHANGED = "announces another key, and the key before has not signed it"
    WRONG_TREE = "is not the tree of the runs that it and the checkpoints before it list"
    RUN_REMOVED = "lists a run that is not there any more"
    RUN_CUT = "lists more entries of a run than are there"
    RUN_REWRITTEN = "lists another hash of an entry than the entry has now"
    OLDER_COPY = "is the last one, and a later one was seen before: an older copy was put back"
    OTHER_TREE = "belongs to another history of the record than the one that was seen before"
    UNTRUSTED_KEY = "is signed by another key than the one that is expected"


class CheckpointFinding(Record):
    """One fault."""

    number: int
    """The number of the checkpoint."""
    fault: CheckpointFault
    run: str = ""
    detail: str = ""

    def __str__(self) -> str:
        what = ": ".join(filter(None, (self.run, self.detail)))
        return f"Checkpoint {self.number} {self.fault}{f': {what}' if what else ''}"


class CheckpointReport(Record):
    """What the verification of all checkpoints has shown."""

    count: int
    head: TreeHead | None = None
    """The last tree head whose signature and tree are right."""
    fingerprint: str = ""
    """Of the key that signed it."""
    covered: Mapping[str, int] = {}
    """How many entries of each run are under a checkpoint."""
    findings: tuple[CheckpointFinding, ...] = ()

    def newer(self, counts: Mapping[str, int]) -> list[str]:
        """Return the runs that have more entries than are covered, of those with these counts."""
        return [run for run, count in counts.items() if count > self.covered.get(run, 0)]


def verify_checkpoints(
    contents: Mapping[int, bytes],
    head_at: HeadAt,
    anchors: Iterable[Anchor] = (),
    expected_key: str = "",
    run: str = "",
) -> CheckpointReport:
    """Return what stored checkpoints show, by the numbers in their keys.

    `anchors` are what was kept outside of the record; `expected_key` is the fingerprint
    that somebody knows from elsewhere, "" if nobody does. With `run` only that run is compared.
    """
    check = _Check(expected_key)
    for number in range(FIRST, max(contents, default=FIRST - 1) + 1):
        check.add(number, contents.get(number))
    check.compare_key()
    check.compare_runs(head_at, run)
    for anchor in anchors:
        check.compare_anchor(anchor)
    return check.report(len(contents))


class _Check:
    """What the checkpoints so far have shown."""

    def __init__(self, expected_key: str) -> None:
        self._expected_key = expected_key
        self._key: NoteKey | None = None
        self._leaves: list[Leaf] = []
        self._number_of: list[int] = []
        """The checkpoint of each leaf."""
        self._head: TreeHead | None = None
        self._last = 0
        self._findings: list[CheckpointFinding] = []
        self._vouching = set[str]()
        """The fingerprints of the last key, and of those before it up to an unsigned change."""

    def report(self, count: int) -> CheckpointReport:
        return CheckpointReport(
            count=count,
            head=self._head,
            fingerprint=self._key.fingerprint if self._key else "",
            covered={leaf.run: leaf.count for leaf in self._leaves if leaf.kind == "run"},
            findings=tuple(self._findings),
        )

    def add(self, number: int, content: bytes | None) -> None:
        """Compare the next checkpoint with those before it."""
        self._last = number
        if content is None:
            self._note(number, CheckpointFault.MISSING)
            return
        try:
            checkpoint = Checkpoint.model_validate_json(content)
            head = parse_note(checkpoint.note)
        except ValueError as error:
            self._note(number, CheckpointFault.UNREADABLE, detail=str(error).splitlines()[0])
            return
        if checkpoint.number != number:
            self._note(number, CheckpointFault.MISNUMBERED)
        self._leaves += checkpoint.leaves
        self._number_of += [number] * len(checkpoint.leaves)
        self._check_signature(number, checkpoint)
        if tree_head(head.origin, self._leaves) != head:
            self._note(number, CheckpointFault.WRONG_TREE)
        else:
            self._head = head

    def _check_signature(self, number: int, checkpoint: Checkpoint) -> None:
        before = self._key
        for leaf in checkpoint.leaves:
            if leaf.kind == "key":
                try:
                    self._key = parse_key(leaf.key)
                except ValueError as error:
                    self._note(number, CheckpointFault.UNREADABLE, detail=str(error))
        if self._key is None:
            self._note(number, CheckpointFault.NO_KEY)
            return
        if not is_signed_by(checkpoint.note, self._key):
            self._note(number, CheckpointFault.NOT_SIGNED)
        if before and before != self._key and not is_signed_by(checkpoint.note, before):
            self._note(number, CheckpointFault.KEY_CHANGED)
            self._vouching.clear()
        self._vouching.add(self._key.fingerprint)

    def compare_key(self) -> None:
        """Compare the key that is expected with the last one and those that vouch for it."""
        if self._expected_key and not self._last:
            detail = "the key that is expected has signed none"
            self._note(FIRST, CheckpointFault.MISSING, detail=detail)
        elif self._expected_key and self._expected_key not in self._vouching:
            found = self._key.fingerprint if self._key else "none"
            self._note(self._last, CheckpointFault.UNTRUSTED_KEY, detail=found)

    def compare_runs(self, head_at: HeadAt, run: str) -> None:
        """Compare what the checkpoints list of each run, or of one, with the run as it is."""
        for number, leaf in zip(self._number_of, self._leaves, strict=True):
            if leaf.kind != "run" or run not in ("", leaf.run):
                continue
            head = head_at(leaf.run, leaf.count)
            if head == leaf.head:
                continue
            if head is not None:
                fault = CheckpointFault.RUN_REWRITTEN
            elif head_at(leaf.run, 1) is None:
                fault = CheckpointFault.RUN_REMOVED
            else:
                fault = CheckpointFault.RUN_CUT
            self._note(number, fault, leaf.run, f"entry {leaf.count}")

    def compare_anchor(self, anchor: Anchor) -> None:
        """Compare the tree with a head of it that was kept outside of the record."""
        if anchor.size > len(self._leaves):
            self._note(self._last, CheckpointFault.OLDER_COPY, detail=f"{anchor.size} leaves")
        elif tree_head("", self._leaves[: anchor.size]).anchor != anchor:
            self._note(self._last, CheckpointFault.OTHER_TREE, detail=f"{anchor.size} leaves")

    def _note(self, number: int, fault: CheckpointFault, run: str = "", detail: str = "") -> None:
        self._findings.append(CheckpointFinding(number=number, fault=fault, run=run, detail=detail))
