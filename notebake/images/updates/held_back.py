"""What a cooldown holds back, in words."""

from collections.abc import Iterable

from notebake.humanize import pluralize
from notebake.images.updates.finding import CauseFinding

MOST_NAMED = 3
"""So many packages are named in a sentence."""


def list_held_back(findings: Iterable[CauseFinding]) -> list[str]:
    """Return each release that is too new: `xarray 2026.11, 3 days old (2026-11-27)`.

    One that two environments would have stands once.
    """
    shown = (
        f"{change.name} {change.new}, {change.detail}"
        for finding in findings
        for change in finding.held_back
    )
    return [*dict.fromkeys(shown)]


def describe_held_back(held_back: Iterable[str]) -> str:
    """Return what is held back in one phrase; "" if nothing is."""
    listed = [*held_back]
    if not listed:
        return ""
    if len(listed) > MOST_NAMED:
        return f"held back: {pluralize(len(listed), 'package')}"
    return f"held back: {'; '.join(listed)}"
