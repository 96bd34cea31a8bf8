"""The search of a whole machine."""

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from notebake.credentials.allow_list import AllowEntry, apply_allow_list
from notebake.credentials.batches import make_batches
from notebake.credentials.engine import Engine
from notebake.credentials.engine_input import EngineInput, InputCounter, Origin
from notebake.credentials.engine_output import Match
from notebake.credentials.file_search import BatchResult, FileSearch
from notebake.credentials.git_history import find_repositories
from notebake.credentials.homes import (
    find_homes,
    find_login_homes,
    is_expected_login,
    is_removed_by_cleaning,
)
from notebake.credentials.placeholders import is_placeholder
from notebake.credentials.report import Finding, Report, is_clean
from notebake.credentials.walk import Walk
from notebake.credentials.worker_processes import run_in_workers

MOST_FINDINGS_PER_FILE = 20


class ScanOptions(NamedTuple):
    """How a machine is searched, beside where."""

    engine: Path
    """The engine's program."""
    login: str | None = None
    """Home of the user whose authorized key, like the ssh host keys, may still be there."""
    allowed: tuple[AllowEntry, ...] = ()
    processes: int = 1


def scan(root: str, mount_points: Iterable[str], wanted: ScanOptions) -> Report:
    """Search the file system of `root` and those mounted below it at `mount_points`.

    Paths are reported as the machine itself would call them.

    Raises:
        EngineError, ChildProcessError: the search did not come to its end.
    """
    return apply_allow_list(_scan_below(root, ["", *mount_points], wanted), wanted.allowed)


def scan_before_cleaning(root: str, mount_points: Iterable[str], wanted: ScanOptions) -> Report:
    """Search the homes for what the cleaning would remove before anybody is told of it.

    Where there is something, all is searched: everything that has to be removed is named at once.
    """
    for directories in (find_login_homes(root), ["", *mount_points]):
        report = _scan_below(root, directories, wanted)
        findings = [each for each in report["findings"] if not is_removed_by_cleaning(each)]
        report = apply_allow_list({**report, "findings": findings}, wanted.allowed)
        if is_clean(report):
            break
    return report


def _scan_below(root: str, directories: Iterable[str], wanted: ScanOptions) -> Report:
    began = time.monotonic()
    walk = Walk(root, directories)
    count = InputCounter()
    engine = Engine(wanted.engine, processes=wanted.processes)
    try:
        walk.list_all(wanted.processes)
        work = FileSearch(root, find_homes(root), EngineInput(engine.pipe, count))
        lots = make_batches(walk, find_repositories(walk.files))
        parts = list(run_in_workers(work.carry_out, lots, wanted.processes))
        matches = engine.finish(count.read()[1])
    except (BrokenPipeError, ChildProcessError):
        engine.check_alive()
        raise
    finally:
        engine.close()
        count.close()
    told = {
        (each["path"], each["place"], each["rule"]): each
        for each in (*(one for part in parts for one in part["findings"]), *_found(matches, parts))
        if not is_expected_login(each, wanted.login)
    }
    missing = {(one["path"], one["reason"]) for part in parts for one in part["unreadable"]}
    missing |= {(one["path"], one["reason"]) for one in walk.unreadable}
    return {
        "findings": list(_first_of_each_file(told.values())),
        "unreadable": [{"path": path, "reason": reason} for path, reason in sorted(missing)],
        "allowed": [],
        "files": len(walk.files),
        "bytes": sum(part["bytes"] for part in parts),
        "seconds": round(time.monotonic() - began, 3),
        "complete": True,
    }


def _found(matches: list[Match], parts: list[BatchResult]) -> Iterator[Finding]:
    """Give what the engine found with where it stands, without the values."""
    origins = sorted(Origin(*one) for part in parts for one in part["origins"])
    at = 0
    for match in sorted(matches, key=lambda each: each.line):
        while at + 1 < len(origins) and origins[at + 1].stream_line <= match.line:
            at += 1
        if not is_placeholder(match):
            place = origins[at].place(match.line, match.column)
            yield {"rule": match.rule, "path": f"/{origins[at].path}", "place": place}


def _first_of_each_file(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Give what was told by a file's name, and the first of its other credentials."""
    told: Counter[str] = Counter()
    for finding in sorted(findings, key=_in_order):
        if finding["place"]:
            told[finding["path"]] += 1
        if told[finding["path"]] <= MOST_FINDINGS_PER_FILE or not finding["place"]:
            yield finding


def _in_order(finding: Finding) -> tuple[str, list[tuple[int, str]], str]:
    """Return a key by which line 9 comes before line 10."""
    words = re.split(r"(\d+)", finding["place"])
    place = [(int(word), "") if word.isdigit() else (0, word) for word in words]
    return finding["path"], place, finding["rule"]
