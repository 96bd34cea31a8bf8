"""All that is kept of one run: its entries with their summary, or what its files say."""

import json

from notebake.ledger.chain import Chain, Writer
from notebake.ledger.difference import Compared
from notebake.ledger.entry import Entry, hash_of
from notebake.ledger.kinds import SEALED
from notebake.ledger.summarize import summarize
from notebake.ledger.summary import Result, StoredFile, Summary
from notebake.ledger.versions import package_versions
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.run_record import record_place
from notebake.store.interface import KEY

VERDICT = "notebook/verdict.json"


class RecordedRun(Record):
    """One run as it is kept."""

    summary: Summary
    entries: tuple[Entry, ...] = ()
    """None of a run from before the ledger, or of one that was not executed yet."""
    head: str = ""
    """The hash of the last entry."""
    is_sealed: bool = False

    @property
    def is_recorded(self) -> bool:
        return bool(self.entries)


def read_recorded_run(run_id: str, location: str) -> RecordedRun:
    """Return all that is kept of a run.

    Raises:
        RunStoreError: neither the run store nor the record has it, or it cannot be read.
    """
    place = record_place(location)
    chain = Chain(place, run_id, Writer())
    entries = chain.entries() if KEY.fullmatch(run_id) else []
    if not entries:
        # Imported here, as the recipe is slow to import and the ledger does not need it.
        from notebake.runs.earlier_run import summary_of_files

        return RecordedRun(summary=summary_of_files(run_id, location))
    is_sealed = entries[-1].kind == SEALED
    summary = summarize(run_id, entries)
    if not is_sealed:
        summary = summary.model_copy(update={"result": Result.OPEN})
    return RecordedRun(
        summary=summary, entries=tuple(entries), head=chain.head(), is_sealed=is_sealed
    )


def read_compared(summary: Summary, location: str) -> Compared:
    """Return what is compared of a run: with versions and numbers of its files, if unchanged."""
    doubts, contents = [], {}
    for file in summary.files:
        if file.name != VERDICT and file.name not in summary.locks:
            continue
        content, wrong = read_recorded_file(summary.run, file, location)
        if content is None:
            doubts.append(f"{file.name} of run {summary.run} {wrong}.")
        else:
            contents[file.name] = content.decode(errors="replace")
    if not summary.locks:
        doubts.append(f"Run {summary.run} has recorded no lock file.")
    verdict = json.loads(contents.pop(VERDICT, "{}"))
    return Compared(
        summary=summary,
        packages={
            name.rpartition("/")[2]: package_versions(lock) for name, lock in contents.items()
        },
        numbers=tuple(verdict.get("numbers") or ()),
        doubts=tuple(doubts),
    )


def read_recorded_file(run_id: str, file: StoredFile, location: str) -> tuple[bytes | None, str]:
    """Return a stored file if it is the one that was recorded; else None, and what is wrong."""
    stored = open_store(location).read(f"{run_id}/{file.name}")
    if stored is None:
        return None, "is not there any more"
    if hash_of(stored.content) != file.sha256:
        return None, "was changed after it was recorded"
    return stored.content, ""
