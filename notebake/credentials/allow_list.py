"""The recipe's allow list: findings that are accepted, by file and rule."""

from collections import Counter
from fnmatch import fnmatchcase
from typing import NamedTuple

from notebake.credentials.report import Report

NOT_SEARCHED_RULE = "not-searched"
"""Allows a file that could not be read, or not to its end."""


class AllowEntry(NamedTuple):
    """A file, or a shell pattern for files, and the rule whose findings there are allowed."""

    path: str
    rule: str

    def matches(self, path: str, rule: str) -> bool:
        """Return whether the entry allows a finding."""
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
