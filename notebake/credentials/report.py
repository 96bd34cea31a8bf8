"""What a search gave, for people and for programs."""

import json
from typing import TypedDict

LONGEST_TEXT_BYTES = 16 << 10
"""How long the text for people may be."""


class Finding(TypedDict):
    """A credential: which rule found it, in which file, and where in it."""

    rule: str
    path: str
    place: str


class Unreadable(TypedDict):
    """What could not be read, and why."""

    path: str
    reason: str


class Allowed(TypedDict):
    """An entry of the recipe's allow list, and how many findings it let pass."""

    rule: str
    path: str
    count: int


class Report(TypedDict):
    """What a search gave. `repair_tags` is written last: a report without it proves nothing."""

    findings: list[Finding]
    unreadable: list[Unreadable]
    allowed: list[Allowed]
    files: int
    bytes: int
    """Without the files that are as published."""
    seconds: float
    complete: bool


def unreadable_path(path: str, error: OSError) -> Unreadable:
    """Return the record of a path, without a leading slash, that could not be read."""
    return {"path": f"/{path}", "reason": error.strerror or type(error).__name__}


def is_clean(report: Report) -> bool:
    """Say whether the search ended, read everything and found nothing but what is allowed."""
    return report["complete"] and not report["findings"] and not report["unreadable"]


def format_findings(report: Report) -> str:
    """Return what was found as lines for a person, so many as fit; empty for a clean machine."""
    lines = [
        " ".join(filter(None, (finding["path"], finding["place"] and f"({finding['place']})")))
        + f": {finding['rule']}"
        for finding in report["findings"]
    ]
    lines += [
        f"{each['path']}: could not be read: {each['reason']}" for each in report["unreadable"]
    ]
    if not report["complete"]:
        lines.append("The search did not come to its end.")
    told = [line.encode("utf-8", "backslashreplace").decode() for line in lines]
    return "\n".join(_first_that_fit(told))


def _first_that_fit(lines: list[str]) -> list[str]:
    room = LONGEST_TEXT_BYTES
    for number, line in enumerate(lines):
        room -= len(line.encode()) + 1
        if room < 0:
            return [*lines[:number], f"… and {len(lines) - number} more."]
    return lines


def parse_report(printed: str) -> Report:
    """Return the report that a host printed; ValueError for anything else.

    Lines before it, such as warnings, do not matter; it is the last line.
    """
    lines = printed.strip().splitlines()
    value = json.loads(lines[-1]) if lines else None
    if not isinstance(value, dict) or value.get("complete") is not True:
        raise ValueError("not the report of a search that came to its end")
    report: Report = {
        "findings": value["findings"],
        "unreadable": value["unreadable"],
        "allowed": value["allowed"],
        "files": value["files"],
        "bytes": value["bytes"],
        "seconds": value["seconds"],
        "complete": True,
    }
    return report
