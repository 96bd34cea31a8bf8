"""`history verify`: whether the record was changed, as far as the record itself can show it."""

import argparse
import re
from collections import Counter
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_run, location_of
from flows.cli.exit_codes import DONE, INCOMPLETE, TAMPERED, UNREADABLE
from flows.cli.versions_checked import not_checked_of

if TYPE_CHECKING:
    from notebake.ledger.checkpoint import Anchor
    from notebake.ledger.entry_anchor import EntryAnchor
    from notebake.ledger.stamp import Stamp
    from notebake.ledger.verify_checkpoints import CheckpointReport
    from notebake.ledger.verify_versions import VersionReport
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
    "checkpoints": "how many checkpoints `history seal` has made",
    "anchor": "size and root of the last tree, to be kept elsewhere; null: none",
    "key": "fingerprint of the key that signed it",
    "findings": "sentences about what else is changed: checkpoints, the log of erasures, versions",
    "not_checked": "sentences about what was not verified, or the versions could not show, and why",
    "stamps[].number": "with --stamp-roots: number of a checkpoint",
    "stamps[].at": "when the authority saw it",
    "limits": "what this cannot show",
}
NOTHING = (
    "Nothing was verified: {place} has no entry of any run. If the record is in another run store,"
    " name it:  notebake --store PLACE history verify"
)
WITHOUT_CHECKPOINT = (
    "No checkpoint covers these runs: that a whole run was removed, or written anew with its seals,"
    " cannot be seen. To make one:  notebake history seal"
)
SINCE_CHECKPOINT = (
    "{count} of the runs have changed since the last checkpoint: what was done to their newer"
    " entries, as far as these fit together, cannot be seen until the next one."
)
WITHOUT_STAMP = "No checkpoint is stamped: by when any of them existed is not shown."
LIMITS = (
    "Whoever can write the record could have put back an older copy of it, and with its key could"
    " have written all of it anew. Only what is kept elsewhere is sure to show that: an anchor or a"
    " fingerprint that `history seal` printed (--anchor, --key), and the last checkpoint that this"
    " machine has seen. Nothing shows whether an entry was true when it was written."
)
CODES = {"tampered": TAMPERED, "unreadable": UNREADABLE, "incomplete": INCOMPLETE}
"""The exit codes, the gravest state first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options."""
    add_run(parser, nargs="?", default="", help="run id; default: all runs of the record")
    parser.add_argument(
        "--anchor",
        action="append",
        default=[],
        type=anchor,
        metavar="SIZE:ROOT",
        help="what `history seal` printed once; may be repeated",
    )
    parser.add_argument(
        "--image-anchor",
        type=image_anchor,
        metavar="NUMBER:HASH",
        help="the tag notebake:record of the image of RUN",
    )
    parser.add_argument(
        "--stamp-roots",
        default="",
        metavar="FILE",
        help="certificates (PEM) of the authority that stamps checkpoints",
    )
    parser.add_argument(
        "--key",
        default="",
        metavar="FINGERPRINT",
        help="the key that must have signed, or vouch for the one that did",
    )
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Verify one run or all, and return the exit code of the gravest state."""
    from notebake.errors import NotebakeError, RunStoreError
    from notebake.runs.checkpoint_check import check_checkpoints, compare_with_image
    from notebake.runs.version_check import check_versions

    location, key = location_of(given), read_fingerprint(given.key)
    if given.image_anchor and not given.run:
        raise NotebakeError(
            "An image's anchor is of one run.",
            "Name it: notebake history verify RUN --image-anchor NUMBER:HASH",
        )
    try:
        versions = check_versions(location, given.run)
        checked = check(given.run, location, versions)
        logs = [] if given.run else read_logs(location)
        nothing = [] if given.run else describe_nothing(location, checked, logs)
        stamps = read_verified_stamps(location, given.stamp_roots)
        rewritten = compare_with_image(given.run, location, given.image_anchor)
        checkpoints = check_checkpoints(
            location, anchors=given.anchor, expected_key=key, run=given.run
        )
    except RunStoreError as error:
        if given.run:
            raise
        from flows.terminal.report import print_error

        print_error(error, store=given.store)
        return UNREADABLE
    listed = {each.run_id for each in checked}
    others = [each for each in versions.findings if each.run not in listed]
    findings = [finding for log in logs for finding in log.findings]
    findings += [str(each) for each in (*others, *rewritten, *checkpoints.findings)]
    findings += [str(stamp) for stamp in stamps if stamp.wrong]
    states = {str(each.state) for each in checked} | ({"tampered"} if findings else set())
    if given.run and states == {"not recorded"}:
        # Nothing has named it: neither the record nor, if it was removed, a checkpoint.
        require_run(given.run, location)
    not_checked = [*nothing, *not_checked_of(versions)]
    if given.json:
        from flows.cli.json_output import print_document

        runs = [document_row(each) for each in checked]
        shown = document_of(checkpoints) | {"findings": findings, "not_checked": not_checked}
        shown["stamps"] = [
            stamp.model_dump(exclude={"wrong"}) for stamp in stamps if not stamp.wrong
        ]
        print_document({"runs": runs} | shown | {"limits": LIMITS})
    else:
        lines = [f"  {finding}" for finding in findings]
        lines += checkpoint_lines(checkpoints, checked)
        lines += [f"  {stamp}" for stamp in stamps[-1:] if not stamp.wrong]
        lines += [WITHOUT_STAMP] if given.stamp_roots and not stamps else []
        print_lines([*lines_of(checked), *lines, *not_checked])
    is_missing = given.run and states == {"not recorded"}
    if is_missing or (nothing and states <= {"not recorded"}):
        return INCOMPLETE
    return next((code for state, code in CODES.items() if state in states), DONE)


def print_lines(lines: list[str]) -> None:
    """Print what was found, and what cannot be."""
    from flows.terminal.console import open_console

    console = open_console()
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    console.print(LIMITS, markup=False)


def anchor(text: str) -> "Anchor":
    """Return the anchor in a text, as `history seal` prints it."""
    from notebake.ledger.checkpoint import parse_anchor

    try:
        return parse_anchor(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def read_fingerprint(text: str) -> str:
    """Return the fingerprint of a key, as `history seal` prints it; "" if none is given."""
    from notebake.errors import NotebakeError

    if text and not re.fullmatch(r"[0-9a-f]{64}", text.lower()):
        raise NotebakeError(
            f"{text} is no fingerprint of a key.",
            "It has 64 hexadecimal digits, as `notebake history seal` prints it.",
        )
    return text.lower()


def image_anchor(text: str) -> "EntryAnchor":
    """Return the anchor in the tag of an image."""
    from notebake.ledger.entry_anchor import parse_entry_anchor

    if found := parse_entry_anchor(text):
        return found
    raise argparse.ArgumentTypeError(
        f"not NUMBER:HASH, as the tag notebake:record of an accepted image has it: {text}"
    )


def check(run_id: str, location: str, versions: "VersionReport") -> "list[CheckedRun]":
    """Return the verified runs, with what the versions in the store show of each."""
    from notebake.runs.record_check import check_all_runs, check_run

    return [check_run(run_id, location, versions)] if run_id else check_all_runs(location, versions)


def require_run(run_id: str, location: str) -> None:
    """Raise RunStoreError unless the run store has a run."""
    from notebake.runs import registry
    from notebake.runs.open_store import open_store

    registry.load_run(run_id, open_store(location))


def describe_nothing(
    location: str, checked: "list[CheckedRun]", logs: "list[CheckedRun]"
) -> list[str]:
    """Return the sentence that nothing was there to be verified, if that is so.

    A log is enough where there are no runs.
    """
    from notebake.runs.run_record import record_place

    chains = checked or logs
    if any(each.error or (each.report and each.report.count) for each in chains):
        return []
    return [NOTHING.format(place=record_place(location).root)]


def read_logs(location: str) -> "list[CheckedRun]":
    """Return the verified logs: of erasures, pointers, prunes and approvals.

    Raises:
        RunStoreError: one of them cannot be read.
    """
    from notebake.errors import RunStoreError
    from notebake.runs.record_check import check_logs

    checked = check_logs(location)
    for each in checked:
        if each.error:
            raise RunStoreError(each.error)
    return checked


def read_verified_stamps(location: str, roots: str) -> "list[Stamp]":
    """Return what the stamps show by some certificates; nothing without these.

    Raises:
        NotebakeError: the file has no certificates, or the library for stamps is missing.
        RunStoreError: the store failed.
    """
    if not roots:
        return []
    from notebake.ledger.stamp import verify_stamps
    from notebake.runs.checkpoints import read_all
    from notebake.runs.run_record import record_place
    from notebake.runs.stamps import check_library, read_roots, read_stamps

    check_library()
    place = record_place(location)
    return verify_stamps(read_stamps(place), read_all(place), read_roots(roots))


def lines_of(checked: "list[CheckedRun]") -> list[str]:
    """Return a line for each run that is not intact, or for a single run, and the counts."""
    lines = []
    for each in checked:
        if each.state != "intact" or len(checked) == 1:
            sealed = " and sealed" if each.report and each.report.is_sealed else ""
            count = f", {each.report.count} entries" if each.report else f": {each.error}"
            lines.append(f"{each.run_id}  {each.state}{sealed}{count}")
        lines += [f"  {finding}" for finding in each.findings]
        if each.report:
            lines += [f"  {gap}" for gap in each.report.gaps]
            if len(checked) == 1:
                lines.append(f"  last hash {each.report.head or '-'}")
    counts = Counter(str(each.state) for each in checked)
    shown = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    return [*lines, f"Runs: {shown or 'none'}."]


def checkpoint_lines(checkpoints: "CheckpointReport", checked: "list[CheckedRun]") -> list[str]:
    """Return the last checkpoint, and what the checkpoints do not cover."""
    reports = [each.report for each in checked if each.report and each.report.count]
    if not checkpoints.count:
        return [WITHOUT_CHECKPOINT] if reports else []
    newer = checkpoints.newer({report.run: report.count for report in reports})
    lines = []
    if checkpoints.head:
        lines.append(
            f"Checkpoints: {checkpoints.count}."
            f"\n  anchor  {checkpoints.head.anchor}\n  key     {checkpoints.fingerprint}"
        )
    return [*lines, *([SINCE_CHECKPOINT.format(count=len(newer))] if newer else [])]


def document_of(checkpoints: "CheckpointReport") -> dict[str, object]:
    """Return the last checkpoint as JSON fields."""
    return {
        "checkpoints": checkpoints.count,
        "anchor": str(checkpoints.head.anchor) if checkpoints.head else None,
        "key": checkpoints.fingerprint or None,
    }


def document_row(checked: "CheckedRun") -> dict[str, object]:
    """Return a verified run as a JSON object."""
    report = checked.report
    return {
        "run_id": checked.run_id,
        "state": checked.state,
        "is_sealed": report.is_sealed if report else None,
        "entries": report.count if report else None,
        "head": report.head or None if report else None,
        "findings": checked.findings,
        "gaps": [str(each) for each in report.gaps] if report else [],
        "error": checked.error or None,
    }
