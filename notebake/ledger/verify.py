"""Whether the record of a run is intact, as far as the record itself can show it.

A chain shows that an entry was changed, dropped, swapped or inserted; the copies of its seals show
that its end was cut. Neither shows that both were written anew, that an older copy of all was put
back, or that the whole run was removed: for that, something outside of the record must be compared.
"""

from collections.abc import Iterator, Mapping

from notebake.ledger import kinds
from notebake.ledger.chain import RecordPlace
from notebake.ledger.chain_report import ChainReport, Fault, Finding, Gap
from notebake.ledger.entry import FIRST, KEY, SEAL_KEY, SEALS, Entry, hash_of
from notebake.ledger.summarize import summarize
from notebake.ledger.summary import FORMAT


def verify_run(place: RecordPlace, run: str) -> ChainReport:
    """Read all entries and seals of a run, and return whether they are intact.

    If an execution goes on meanwhile, what is shown may be a moment between two of its writes: a
    true fault is in a later report, too (`ChainReport.confirming`).

    Raises:
        RunStoreError: the store failed, so nothing can be said.
    """
    seals = place.read_below(f"{SEALS}/{run}")
    entries = place.read_below(run)
    contents = {
        int(found["sequence"]): entries[key] for key in entries if (found := KEY.fullmatch(key))
    }
    return verify_chain(run, contents, seals)


def verify_chain(
    run: str, contents: Mapping[int, bytes], seals: Mapping[str, bytes] | None = None
) -> ChainReport:
    """Return whether stored entries, by the numbers in their keys, form a chain.

    `seals` has the copies of the seals by their keys; without it they are not compared.
    """
    check = _Check(run)
    for sequence in range(FIRST, max(contents, default=FIRST - 1) + 1):
        check.add(sequence, contents.get(sequence))
    if seals is not None:
        check.compare_seals(contents, seals)
    return check.report(len(contents))


class _Check:
    """What the entries so far have shown."""

    def __init__(self, run: str) -> None:
        self._run, self._head = run, ""
        self._entries: dict[int, Entry] = {}
        """Those that can be read, by the numbers in their keys."""
        self._last: Entry | None = None
        """The entry before; None if there is none that can be read."""
        self._findings: list[Finding] = []
        self._copy_gap: list[Finding] = []

    def report(self, count: int) -> ChainReport:
        is_sealed = self._last is not None and self._last.kind == kinds.SEALED
        return ChainReport(
            run=self._run,
            count=count,
            head=self._head,
            is_sealed=is_sealed,
            findings=tuple(self._findings),
            gaps=(*self._copy_gap, *(self._gaps() if is_sealed else ())),
        )

    def add(self, sequence: int, content: bytes | None) -> None:
        """Compare the next entry with those before it."""
        if content is None:
            self._note(sequence, Fault.MISSING)
            self._last = None
            return
        try:
            entry = Entry.model_validate_json(content)
        except ValueError as error:
            self._note(sequence, Fault.UNREADABLE, str(error).splitlines()[0])
            self._last, self._head = None, hash_of(content)
            return
        if entry.sequence != sequence:
            self._note(sequence, Fault.MISNUMBERED, f"it is {entry.sequence}")
        if entry.run != self._run:
            self._note(sequence, Fault.OTHER_RUN, entry.run)
        if entry.previous != self._head:
            self._note(sequence, Fault.NOT_LINKED)
        self._check_seal(sequence, entry)
        self._entries[sequence] = entry
        self._last, self._head = entry, hash_of(content)

    def _check_seal(self, sequence: int, entry: Entry) -> None:
        was_sealed = self._last is not None and self._last.kind == kinds.SEALED
        is_reopening = entry.kind == kinds.REOPENED
        if was_sealed and not is_reopening:
            self._note(sequence, Fault.AFTER_SEAL)
        if is_reopening and self._last is not None and not was_sealed:
            self._note(sequence, Fault.NOT_SEALED_BEFORE)
        if entry.kind == kinds.SEALED and (wrong := self._wrong_in_seal(entry)):
            self._note(sequence, Fault.WRONG_SEAL, wrong)

    def _wrong_in_seal(self, seal: Entry) -> str:
        """Return what in a seal does not fit the entries before it; "" if all does."""
        body = seal.body
        if body.get("count") != seal.sequence - FIRST:
            return "its count"
        if body.get("head") != seal.previous:
            return "its head"
        summary = body.get("summary")
        if not isinstance(summary, dict):
            return "it has no summary"
        if summary.get("format") == FORMAT and not self._findings:
            expected = summarize(self._run, self._entries.values()).model_dump(mode="json")
            return "" if expected == summary else "its summary"
        return ""

    def compare_seals(self, contents: Mapping[int, bytes], seals: Mapping[str, bytes]) -> None:
        """Compare the copies of the seals, and the marks of reopened runs, with the chain."""
        copies: dict[int, bytes] = {}
        marked: set[int] = set()
        for found in filter(None, map(SEAL_KEY.fullmatch, seals)):
            if found["is_open"]:
                marked.add(int(found["sequence"]))
            else:
                copies[int(found["sequence"])] = seals[found[0]]
        sealing = {each for each, entry in self._entries.items() if entry.kind == kinds.SEALED}
        for sequence in sorted(copies.keys() - sealing):
            self._note(sequence, Fault.NO_SUCH_SEAL)
        for sequence in sorted(sealing):
            if sequence not in copies and sequence == max(contents):
                self._copy_gap.append(Finding(run=self._run, sequence=sequence, fault=Gap.NO_COPY))
            elif sequence not in copies:
                self._note(sequence, Fault.SEAL_REMOVED)
            elif copies[sequence] != contents.get(sequence):
                self._note(sequence, Fault.SEAL_DIFFERS)
        for sequence, entry in self._entries.items():
            if entry.kind == kinds.REOPENED and sequence not in marked:
                self._note(sequence, Fault.SEAL_REMOVED, "the mark that it is open")

    def _gaps(self) -> Iterator[Finding]:
        """Yield the calls without a recorded response, and the executions without an end."""
        answered = {
            entry.body.get("call")
            for entry in self._entries.values()
            if entry.kind in {kinds.ANSWERED, kinds.UNANSWERED}
        }
        ended = {entry.execution for entry in self._entries.values() if entry.kind == kinds.ENDED}
        for sequence, entry in self._entries.items():
            gap = None
            if entry.kind == kinds.SENT and entry.body.get("call") not in answered:
                gap, detail = Gap.NO_ANSWER, str(entry.body.get("operation", ""))
            elif entry.kind == kinds.EXECUTING and entry.execution not in ended:
                ended.add(entry.execution)
                gap, detail = Gap.NO_END, str(entry.body.get("started_by", ""))
            if gap:
                yield Finding(run=self._run, sequence=sequence, fault=gap, detail=detail)

    def _note(self, sequence: int, fault: Fault, detail: str = "") -> None:
        self._findings.append(Finding(run=self._run, sequence=sequence, fault=fault, detail=detail))
