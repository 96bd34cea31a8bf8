"""Causes with their changes as lines: what a check for updates and a comparison of images share.

A terminal gets lines no wider than itself; a pipe gets whole lines.
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from flows.terminal.update_layout import INDENT, below, heading
from notebake.humanize import clean_text, format_added, pluralize
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.recipe import NO_NEW_IMAGE
from notebake.images.updates.sentence import changes_that_count, show_value

MOST_LINES = 40
LEAST_CHANGES = 2
"""So many changes of each cause are shown, however many there are in all."""
WIDEST_NAME = 28
SAME_REASON = "for the same reason"
NOT_KNOWN = ("not checked", "not kept")
COMMIT = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")
STYLES = {"changed": "yellow", "not checked": "magenta", "not kept": "magenta", "unchanged": ""}
T = TypeVar("T")


@dataclass(frozen=True)
class Paragraph:
    """A heading, and changes below it."""

    title: str
    state: str
    changes: tuple[Change, ...] = ()
    count: int = 0
    how: str = ""
    reason: str = ""


def paragraph_of(finding: CauseFinding) -> Paragraph:
    """Return a cause as a paragraph."""
    return Paragraph(
        title=finding.cause,
        state=finding.state,
        changes=finding.changes,
        count=len({change.name for change in changes_that_count(finding)}),
        how=finding.how,
        reason=finding.reason,
    )


def paragraphs_of_findings(findings: Sequence[CauseFinding]) -> list[Paragraph]:
    """Return the causes as paragraphs; a reason that two in a row have stands once."""
    found = [paragraph_of(finding) for finding in findings]
    return [
        dataclasses.replace(each, reason=SAME_REASON)
        if each.reason and before and each.reason == before.reason
        else each
        for each, before in zip(found, (None, *found), strict=False)
    ]


def heading_of(paragraph: Paragraph, width: int) -> list[Text]:
    """Return a title with its state, and how it was asked or why it was not."""
    state = f"{paragraph.count} changed" if paragraph.count > 1 else paragraph.state
    return heading(
        Text(paragraph.title, "bold"),
        Text(state, STYLES.get(paragraph.state, "")),
        None if paragraph.state in NOT_KNOWN else clean_text(paragraph.how),
        clean_text(paragraph.reason),
        width,
    )


def lines_of(changes: Sequence[Change], width: int) -> list[Text]:
    """Return a line for each change: `xarray:  2026.9 → 2026.11`."""
    names = [clean_text(change.name) for change in changes]
    column = min(max(map(len, names), default=0), WIDEST_NAME)
    return [
        line
        for name, change in zip(names, changes, strict=True)
        for line in _lines_of_change(name, change, column, width)
    ]


def values_of(change: Change) -> str:
    """Return both values, and how much larger it makes the image: `1.2 → 1.3, +12.0 KiB`."""
    old, new = (
        COMMIT.sub(r"\1", clean_text(show_value(each))) for each in (change.old, change.new)
    )
    added = format_added(change.added_bytes) if change.added_bytes else ""
    return ", ".join(filter(None, (f"{old} → {new}", added)))


def _lines_of_change(name: str, change: Change, column: int, width: int) -> list[Text]:
    label, values = f"{name}:".ljust(column + 1), values_of(change)
    detail = f"  {clean_text(change.detail)}" if change.detail else ""
    style = "dim" if change.detail == NO_NEW_IMAGE else ""
    text = f"{label} {values}{detail}"
    if width and len(INDENT + text) > width:
        return below(text, width, style)
    return [Text.assemble((f"{INDENT}{label} {values}", style), (detail, "dim"))]


def shorten(whole: Sequence[list[T]], room: int, more: Callable[[int], T]) -> list[list[T]]:
    """Return the first lines of each list, so that all fit into the room if that can be.

    `more` returns the line that stands for so many others.
    """
    if sum(map(len, whole)) <= room:
        return [*whole]
    most = max(map(len, whole))
    while most > LEAST_CHANGES and _lines_with(whole, most) > room - 1:
        most -= 1
    return [
        lines if len(lines) <= most else [*lines[: most - 1], more(len(lines) - most + 1)]
        for lines in whole
    ]


def print_paragraphs(
    console: Console,
    head: Sequence[Text],
    headings: Sequence[Sequence[Text]],
    changes: Sequence[list[Text]],
    foot: Sequence[Text] = (),
    *,
    shows_all: bool,
    all_command: str,
) -> None:
    """Print each heading with the changes below it; of many the first, and how to see all."""
    room = MOST_LINES - sum(map(len, (head, foot, *headings)))
    shown = changes if shows_all else shorten(changes, room, more_lines)
    below_headings = (
        line for pair in zip(headings, shown, strict=True) for part in pair for line in part
    )
    for line in (*head, *below_headings, *foot):
        console.print(line, soft_wrap=True)
    if shown != changes:
        console.print(Text(f"All of it: {all_command}", "dim"), soft_wrap=True)


def more_lines(count: int) -> Text:
    """Return the line that stands for others."""
    return Text(f"{INDENT}and {pluralize(count, 'more line')}", "dim")


def _lines_with(whole: Sequence[list[T]], most: int) -> int:
    return sum(min(len(lines), most) for lines in whole)
