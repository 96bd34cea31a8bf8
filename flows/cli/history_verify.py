"""`history verify`: whether the record was changed, as far as the record itself can show it."""

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_run, location_of
from flows.cli.exit_codes import DONE, INCOMPLETE, TAMPERED, UNREADABLE

if TYPE_CHECKING:
    from notebake.runs.record_check import CheckedRun

EXAMPLE = """\
notebake history verify
notebake history verify ocean-20261123-120000-1a2b --json"""
FIELDS = {
    "runs[].run_id": "run id",
    "runs[].state": "intact, tampered, incomplete, unreadable or not recorded",
    "runs[].is_sealed": "whether the run is sealed; null: unreadable",
    "runs[].entries": "how many entries it has; null: unreadable",
    "runs[].head": "SHA-256 of its last entry, to be kept elsewhere",
    "runs[].findings": "sentences about what was changed",
    "runs[].gaps": "sentences about what is not recorded",
    "runs[].error": "why the run cannot be read; null: it can",
    "limits": "what this cannot show",
}
LIMITS = (
    "This shows that entries were changed, dropped, swapped, inserted or cut off. By itself it"
    " cannot show that a whole run was removed, that all of it was written anew, or that an older"
    " copy was put back, nor that an entry was true when it was written. For that, keep the last"
    " hashes (--json has them) in a place that whoever can write the record cannot write."
)
CODES = {"tampered": TAMPERED, "unreadable": UNREADABLE, "incomplete": INCOMPLETE}
"""The exit codes, the gravest state first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options."""
    add_run(parser, nargs="?", default="", help="run id; default: all runs of the record")
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Verify one run or all, and return the exit code of the gravest state."""
    from notebake.errors import RunStoreError

    location = location_of(given)
    try:
        checked = check(given.run, location)
    except RunStoreError as error:
        if given.run:
            raise
        from flows.terminal.report import print_error

        print_error(error, store=given.store)
        return UNREADABLE
    if given.json:
        from flows.cli.json_output import print_document

        print_document({"runs": [document_row(each) for each in checked], "limits": LIMITS})
    else:
        from flows.terminal.console import open_console

        console = open_console()
        for line in lines_of(checked):
            console.print(line, markup=False, soft_wrap=True)
        console.print(LIMITS, markup=False)
    states = {str(each.state) for each in checked}
    if given.run and states == {"not recorded"}:
        return INCOMPLETE
    return next((code for state, code in CODES.items() if state in states), DONE)


def check(run_id: str, location: str) -> "list[CheckedRun]":
    """Return the verified runs."""
    from notebake.runs import registry
    from notebake.runs.open_store import open_store
    from notebake.runs.record_check import RecordState, check_all_runs, check_run

    if not run_id:
        return list(check_all_runs(location))
    found = check_run(run_id, location)
    if found.state == RecordState.NOT_RECORDED:
        registry.load_run(run_id, open_store(location))
    return [found]


def lines_of(checked: "list[CheckedRun]") -> list[str]:
    """Return a line for each run that is not intact, or for a single run, and the counts."""
    lines = []
    for each in checked:
        if each.state != "intact" or len(checked) == 1:
            sealed = " and sealed" if each.report and each.report.is_sealed else ""
            count = f", {each.report.count} entries" if each.report else f": {each.error}"
            lines.append(f"{each.run_id}  {each.state}{sealed}{count}")
        if each.report:
            lines += [f"  {finding}" for finding in (*each.report.findings, *each.report.gaps)]
            if len(checked) == 1:
                lines.append(f"  last hash {each.report.head or '-'}")
    counts = Counter(str(each.state) for each in checked)
    shown = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    return [*lines, f"Runs: {shown or 'none'}."]


def document_row(checked: "CheckedRun") -> dict[str, object]:
    """Return a verified run as a JSON object."""
    report = checked.report
    return {
        "run_id": checked.run_id,
        "state": checked.state,
        "is_sealed": report.is_sealed if report else None,
        "entries": report.count if report else None,
        "head": report.head or None if report else None,
        "findings": [str(each) for each in report.findings] if report else [],
        "gaps": [str(each) for each in report.gaps] if report else [],
        "error": checked.error or None,
    }
