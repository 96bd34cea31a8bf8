"""What the verification of the whole record shows, for a report."""

from collections import Counter
from collections.abc import Mapping

from notebake.ledger.verify_versions import VersionReport
from notebake.reports.grant.document import Verification
from notebake.runs.checkpoint_check import check_checkpoints
from notebake.runs.record_check import CheckedRun, check_all_runs, check_logs
from notebake.runs.version_check import check_versions


def verify_record(location: str) -> tuple[dict[str, CheckedRun], Verification]:
    """Return each verified run, and what all of it shows.

    Raises:
        RunStoreError: the record or its versions cannot be listed.
    """
    versions = check_versions(location)
    checked = {each.run_id: each for each in check_all_runs(location, versions)}
    return checked, _sum_up(checked, versions, location)


def _sum_up(
    checked: Mapping[str, CheckedRun], versions: VersionReport, location: str
) -> Verification:
    shown = check_checkpoints(location)
    chains = [*checked.values(), *check_logs(location)]
    reports = [each.report for each in checked.values() if each.report]
    others = [each for each in versions.findings if each.run not in checked]
    newer = shown.newer({report.run: report.count for report in reports})
    return Verification(
        states=dict(Counter(str(each.state) for each in checked.values())),
        findings=(
            *(finding for each in chains for finding in each.findings),
            *map(str, (*others, *shown.findings)),
        ),
        unreadable=tuple(f"{each.run_id}: {each.error}" for each in chains if each.error),
        gaps=tuple(str(gap) for report in reports for gap in report.gaps),
        checkpoints=shown.count,
        anchor=str(shown.head.anchor) if shown.head else "",
        key=shown.fingerprint,
        newer_runs=len(newer),
        versions=versions.versioning,
    )
