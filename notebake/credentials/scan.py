"""The credential scan of a whole machine."""

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from notebake.credentials.batches import make_batches
from notebake.credentials.engine import Engine, Match
from notebake.credentials.engine_input import EngineInput, InputCounter, Origin
from notebake.credentials.file_search import BatchResult, FileSearch
from notebake.credentials.git_history import find_repositories
from notebake.credentials.homes import find_homes, find_login_homes
from notebake.credentials.ignored_findings import (
    is_expected_login,
    is_placeholder,
    is_removed_by_cleaning,
)
from notebake.credentials.report import AllowEntry, Finding, Report, apply_allow_list, is_clean
from notebake.credentials.walk import Walk
from notebake.credentials.worker_processes import run_in_workers

MOST_FINDINGS_PER_FILE = 20


class ScanOptions(NamedTuple):
    """The options of a scan, except for the directories to scan."""

    engine: Path
    """The engine's program."""
    login: str | None = None
    """Home of the user whose authorized key may still exist, as the ssh host keys may."""
    allowed: tuple[AllowEntry, ...] = ()
    processes: int = 1


def scan(root: str, mount_points: Iterable[str], options: ScanOptions) -> Report:
    """Scan the file system of `root` and those mounted below it at `mount_points`.

    Reported paths are relative to `root`, as the machine itself would name them.

    Raises:
        EngineError, ChildProcessError: the scan did not complete.
    """
    return apply_allow_list(_scan_below(root, ["", *mount_points], options), options.allowed)


def scan_before_cleaning(root: str, mount_points: Iterable[str], options: ScanOptions) -> Report:
    """Scan the homes for credentials that the cleaning would remove without a report.

    If there are any, everything is scanned, so that one report names all credentials at once.
    """
    for directories in (find_login_homes(root), ["", *mount_points]):
        report = _scan_below(root, directories, options)
        findings = [item for item in report["findings"] if not is_removed_by_cleaning(item)]
        report = apply_allow_list({**report, "findings": findings}, options.allowed)
        if is_clean(report):
            break
    return report


def _scan_below(root: str, directories: Iterable[str], options: ScanOptions) -> Report:
    began = time.monotonic()
    walk = Walk(root, directories)
    results, matches = _search(root, walk, options)
    findings = [
        *(item for result in results for item in result["findings"]),
        *_locate(matches, results),
    ]
    unique = {
        (item["path"], item["place"], item["rule"]): item
        for item in findings
        if not is_expected_login(item, options.login)
    }
    unreadable = {(item["path"], item["reason"]) for item in walk.unreadable}
    unreadable |= {
        (item["path"], item["reason"]) for result in results for item in result["unreadable"]
    }
    return {
        "findings": list(_limit_per_file(unique.values())),
        "unreadable": [{"path": path, "reason": reason} for path, reason in sorted(unreadable)],
        "allowed": [],
        "files": len(walk.files),
        "bytes": sum(result["bytes"] for result in results),
        "seconds": round(time.monotonic() - began, 3),
        "complete": True,
    }


def _search(root: str, walk: Walk, options: ScanOptions) -> tuple[list[BatchResult], list[Match]]:
    """List all files and scan them; return the results of the batches and the engine's matches."""
    counter = InputCounter()
    engine = Engine(options.engine, processes=options.processes)
    try:
        walk.list_all(options.processes)
        search = FileSearch(root, find_homes(root), EngineInput(engine.pipe, counter))
        batches = make_batches(walk, find_repositories(walk.files))
        results = list(run_in_workers(search.scan_batch, batches, options.processes))
        return results, engine.finish(counter.read()[1])
    except (BrokenPipeError, ChildProcessError):
        engine.check_alive()
        raise
    finally:
        engine.close()
        counter.close()


def _locate(matches: list[Match], results: list[BatchResult]) -> Iterator[Finding]:
    """Yield the engine's matches with their files and places, without the values."""
    origins = sorted(Origin(*origin) for result in results for origin in result["origins"])
    at = 0
    for match in sorted(matches, key=lambda match: match.line):
        while at + 1 < len(origins) and origins[at + 1].input_line <= match.line:
            at += 1
        if not is_placeholder(match):
            place = origins[at].place(match.line, match.column)
            yield {"rule": match.rule, "path": f"/{origins[at].path}", "place": place}


def _limit_per_file(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield all findings by file name, and of the others the first of each file."""
    counts: Counter[str] = Counter()
    for finding in sorted(findings, key=_sort_key):
        if finding["place"]:
            counts[finding["path"]] += 1
        if counts[finding["path"]] <= MOST_FINDINGS_PER_FILE or not finding["place"]:
            yield finding


def _sort_key(finding: Finding) -> tuple[str, list[tuple[int, str]], str]:
    """Return a key that sorts line 9 before line 10."""
    words = re.split(r"(\d+)", finding["place"])
    place = [(int(word), "") if word.isdigit() else (0, word) for word in words]
    return finding["path"], place, finding["rule"]
