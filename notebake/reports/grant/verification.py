"""What the verification of the whole record shows, for a report."""

from collections import Counter
from collections.abc import Mapping

from notebake.reports.grant.document import Verification
from notebake.runs.checkpoint_check import check_checkpoints
from notebake.runs.record_check import CheckedRun, check_all_runs


def verify_record(location: str) -> tuple[dict[str, CheckedRun], Verification]:
    """Return each verified run, and what all of it shows.

    Raises:
        RunStoreError: the record cannot be listed.
    """
    checked = {each.run_id: each for each in check_all_runs(location)}
    return checked, _sum_up(checked, location)


def _sum_up(checked: Mapping[str, CheckedRun], location: str) -> Verification:
    shown = check_checkpoints(location)
    reports = [each.report for each in checked.values() if each.report]
    findings = [str(finding) for report in reports for finding in report.findings]
    unreadable = [f"Run {each.run_id}: {each.error}" for each in checked.values() if each.error]
    newer = [report for report in reports if report.count > shown.covered.get(report.run, 0)]
    return Verification(
        states=dict(Counter(str(each.state) for each in checked.values())),
        findings=(*findings, *map(str, shown.findings), *unreadable),
        gaps=tuple(str(gap) for report in reports for gap in report.gaps),
        checkpoints=shown.count,
        anchor=str(shown.head.anchor) if shown.head else "",
        key=shown.fingerprint,
        newer_runs=len(newer),
    )
