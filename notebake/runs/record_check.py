"""Verifies the record of one run, or of all: intact, tampered, incomplete or unreadable."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from notebake import clock
from notebake.errors import RunStoreError
from notebake.ledger.chain_report import ChainReport
from notebake.ledger.entry import SEALS
from notebake.ledger.verify import verify_run
from notebake.ledger.verify_versions import VersionFinding, VersionReport
from notebake.record import Record
from notebake.runs import registry
from notebake.runs.open_store import open_store
from notebake.runs.reserved_ids import LOGS, RESERVED_IDS
from notebake.runs.run_record import record_place, recorded_runs
from notebake.runs.version_check import check_versions


class RecordState(StrEnum):
    """What the verification of a run has shown."""

    INTACT = "intact"
    TAMPERED = "tampered"
    INCOMPLETE = "incomplete"
    UNREADABLE = "unreadable"
    NOT_RECORDED = "not recorded"


DOUBTFUL = frozenset((RecordState.TAMPERED, RecordState.INCOMPLETE))
SETTLING_SECONDS = 0.2
"""Between the writes of a seal and of its copy lie milliseconds, or one call to S3."""


class CheckedRun(Record):
    """One run, verified."""

    run_id: str
    state: RecordState
    report: ChainReport | None = None
    """None if the run could not be read."""
    error: str = ""
    replaced: tuple[VersionFinding, ...] = ()
    """What the versions in the store show."""

    @property
    def findings(self) -> list[str]:
        """Sentences about what was changed."""
        found = self.report.findings if self.report else ()
        return [str(each) for each in (*found, *self.replaced)]


def _with_versions(
    checked: CheckedRun, by_run: Mapping[str, Sequence[VersionFinding]]
) -> CheckedRun:
    """Return a verified run with what the versions in the store show of it."""
    replaced = tuple(by_run.get(checked.run_id, ()))
    if not replaced:
        return checked
    return checked.model_copy(update={"state": RecordState.TAMPERED, "replaced": replaced})


def check_run(run_id: str, location: str, versions: VersionReport) -> CheckedRun:
    """Verify the record of a run; `versions` is what `check_versions` has shown."""
    (checked,) = _confirmed([_read(run_id, location)], location)
    return _with_versions(checked, versions.by_run())


def _read(run_id: str, location: str, before: ChainReport | None = None) -> CheckedRun:
    """Verify a run as it is now; with an earlier report, show only what that has shown as well."""
    try:
        report = verify_run(record_place(location), run_id)
    except RunStoreError as error:
        return CheckedRun(run_id=run_id, state=RecordState.UNREADABLE, error=error.message)
    report = report.confirming(before) if before else report
    return CheckedRun(run_id=run_id, state=state_of(report), report=report)


def _confirmed(checked: Sequence[CheckedRun], location: str) -> list[CheckedRun]:
    """Read again, after one pause, what is not intact: an execution may have been writing."""
    doubtful = {each.run_id: each.report for each in checked if each.state in DOUBTFUL}
    if doubtful:
        clock.pause(SETTLING_SECONDS)
    return [
        _read(each.run_id, location, doubtful[each.run_id]) if each.run_id in doubtful else each
        for each in checked
    ]


def state_of(report: ChainReport) -> RecordState:
    """Return what a report says in one word."""
    if report.findings:
        return RecordState.TAMPERED
    if report.gaps:
        return RecordState.INCOMPLETE
    return RecordState.INTACT if report.count else RecordState.NOT_RECORDED


def check_logs(location: str) -> list[CheckedRun]:
    """Verify the logs, chains like those of runs; there is none before its first entry."""
    return _confirmed([_read(log, location) for log in sorted(LOGS)], location)


def check_all_runs(location: str, versions: VersionReport | None = None) -> list[CheckedRun]:
    """Verify all runs of the record and of the run store, by run id.

    `versions` is what `check_versions` has shown; without it, they are read here.

    Raises:
        RunStoreError: the runs or the versions cannot be listed.
    """
    by_run = (versions or check_versions(location)).by_run()
    place, store = record_place(location), open_store(location)
    recorded = recorded_runs(place)
    sealed = place.store.list_top_level(f"{place.prefix}{SEALS}/")
    others = {*registry.list_run_ids(store)} - {*recorded, *sealed}
    begun = [header.id for header in registry.list_runs(store, others)]
    run_ids = sorted({*recorded, *sealed, *begun} - RESERVED_IDS)
    checked = _confirmed([_read(run_id, location) for run_id in run_ids], location)
    return [_with_versions(each, by_run) for each in checked]
