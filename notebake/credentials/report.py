"""The report of a credential scan, as data and as text, and the recipe's allow list."""

import json
from collections import Counter
from fnmatch import fnmatchcase
from typing import NamedTuple, TypedDict, cast

LONGEST_TEXT_BYTES = 16 << 10


class Finding(TypedDict):
    """A credential: the rule that found it, its file, and its place in the file."""

    rule: str
    path: str
    place: str


class Unreadable(TypedDict):
    """A file that could not be read, and why."""

    path: str
    reason: str


class Allowed(TypedDict):
    """An entry of the recipe's allow list, and how many findings it allowed."""

    rule: str
    path: str
    count: int


class Report(TypedDict):
    """The result of a scan. `complete` is written last: a report without it proves nothing."""

    findings: list[Finding]
    unreadable: list[Unreadable]
    allowed: list[Allowed]
    files: int
    bytes: int
    """The bytes scanned, without unmodified files of packages."""
    seconds: float
    complete: bool


def unreadable_path(path: str, error: OSError) -> Unreadable:
    """Return the record of a path, given without a leading slash, that could not be read."""
    return {"path": f"/{path}", "reason": error.strerror or type(error).__name__}


def is_clean(report: Report) -> bool:
    """Return whether the scan completed, read everything, and found only what is allowed."""
    return report["complete"] and not report["findings"] and not report["unreadable"]


def format_findings(report: Report) -> str:
    """Return the findings as lines, up to a limit; empty for a clean machine."""
    lines = [
        f"{item['path']} ({item['place']}): {item['rule']}"
        if item["place"]
        else f"{item['path']}: {item['rule']}"
        for item in report["findings"]
    ]
    lines += [
        f"{item['path']}: could not be read: {item['reason']}" for item in report["unreadable"]
    ]
    if not report["complete"]:
        lines.append("The credential scan did not complete.")
    printable = [line.encode("utf-8", "backslashreplace").decode() for line in lines]
    return "\n".join(_first_that_fit(printable))


def _first_that_fit(lines: list[str]) -> list[str]:
    room = LONGEST_TEXT_BYTES
    for number, line in enumerate(lines):
        room -= len(line.encode()) + 1
        if room < 0:
            return [*lines[:number], f"… and {len(lines) - number} more."]
    return lines


def parse_report(printed: str) -> Report:
    """Return the report in the last line of a host's output; ValueError for anything else."""
    lines = printed.strip().splitlines()
    value = json.loads(lines[-1]) if lines else None
    if not isinstance(value, dict) or value.get("complete") is not True:
        raise ValueError("not the report of a completed credential scan")
    return cast("Report", {name: value[name] for name in Report.__annotations__})


NOT_SEARCHED_RULE = "not-searched"
"""Allows a file that could not be read, or not to its end."""


class AllowEntry(NamedTuple):
    """A file, or a shell pattern for files, and the rule whose findings there are allowed."""

    path: str
    rule: str

    def matches(self, path: str, rule: str) -> bool:
        return rule == self.rule and fnmatchcase(path, self.path)


def apply_allow_list(report: Report, entries: tuple[AllowEntry, ...]) -> Report:
    """Return the report without allowed findings, and with the number of uses of each entry."""
    used: Counter[AllowEntry] = Counter()

    def is_allowed(path: str, rule: str) -> bool:
        matching = [entry for entry in entries if entry.matches(path, rule)]
        used.update(matching)
        return bool(matching)

    findings, unreadable = report["findings"], report["unreadable"]
    return {
        **report,
        "findings": [item for item in findings if not is_allowed(item["path"], item["rule"])],
        "unreadable": [
            item for item in unreadable if not is_allowed(item["path"], NOT_SEARCHED_RULE)
        ],
        "allowed": [
            {"path": entry.path, "rule": entry.rule, "count": used[entry]} for entry in entries
        ],
    }
