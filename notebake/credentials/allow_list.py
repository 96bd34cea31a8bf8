"""What the recipe lets pass: by file and rule."""

from collections import Counter
from fnmatch import fnmatchcase
from typing import NamedTuple

from notebake.credentials.report import Report

NOT_SEARCHED_RULE = "not-searched"
"""The rule by which a file is allowed that could not be read, or not to its end."""


class AllowEntry(NamedTuple):
    """A file, or files by a pattern of the shell's, and the rule that may find something there."""

    path: str
    rule: str

    def fits(self, path: str, rule: str) -> bool:
        """Say whether this is what the entry lets pass."""
        return rule == self.rule and fnmatchcase(path, self.path)


def apply_allow_list(report: Report, entries: tuple[AllowEntry, ...]) -> Report:
    """Return the report without what is allowed, and with how often each entry was used."""
    used: Counter[AllowEntry] = Counter()

    def is_allowed(path: str, rule: str) -> bool:
        fitting = [entry for entry in entries if entry.fits(path, rule)]
        used.update(fitting)
        return bool(fitting)

    findings = [one for one in report["findings"] if not is_allowed(one["path"], one["rule"])]
    missing = [
        one for one in report["unreadable"] if not is_allowed(one["path"], NOT_SEARCHED_RULE)
    ]
    return {
        **report,
        "findings": findings,
        "unreadable": missing,
        "allowed": [
            {"path": entry.path, "rule": entry.rule, "count": used[entry]} for entry in entries
        ],
    }
