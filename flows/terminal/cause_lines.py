"""Causes with their changes as lines: what a check for updates and a comparison of images share.

A terminal gets lines no wider than itself; a pipe gets whole lines.
"""

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.text import Text

from notebake.humanize import clean_text, format_added, pluralize
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.recipe import NO_NEW_IMAGE
from notebake.images.updates.sentence import changes_that_count, show_value

MOST_LINES = 40
LEAST_CHANGES = 2
"""So many changes of each cause are shown, however many there are in all."""
TITLE, STATE = 12, 13
"""Widths of the first columns."""
INDENT = " " * 4
WIDEST_NAME, NARROWEST = 28, 20
NOT_ALL = "not all of it: "
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


def heading(paragraph: Paragraph, width: int) -> list[Text]:
    """Return a title with its state, and how it was asked or why it was not."""
    state = f"{paragraph.count} changed" if paragraph.count > 1 else paragraph.state
    style = STYLES.get(paragraph.state, "")
    head = Text.assemble((f"{paragraph.title:<{TITLE}}", "bold"), (f"{state:<{STATE}}", style))
    left = width - TITLE - STATE
    how = clean_text(paragraph.how)
    lines: list[Text] = []
    if paragraph.state not in NOT_KNOWN:
        lines.append(head + Text(_cut(how, left) if width else how, "dim"))
    if paragraph.reason:
        reason = f"{NOT_ALL if lines else ''}{clean_text(paragraph.reason)}"
        first, *rest = wrap(reason, max(left, NARROWEST) if width else 0)
        blank = Text(" " * (TITLE + STATE))
        lines.append((blank.copy() if lines else head) + Text(first))
        lines += [blank + Text(line) for line in rest]
    return lines or [head]


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
    text = f"{INDENT}{label} {values}{detail}"
    if not width or len(text) <= width:
        return [Text.assemble((f"{INDENT}{label} {values}", style), (detail, "dim"))]
    lines = wrap(f"{label} {values}{detail}", max(width - 2 * len(INDENT), NARROWEST))
    return [
        Text(f"{INDENT if number == 0 else 2 * INDENT}{line}", style)
        for number, line in enumerate(lines)
    ]


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


def more_lines(count: int) -> Text:
    """Return the line that stands for others."""
    return Text(f"{INDENT}and {pluralize(count, 'more line')}", "dim")


def wrap(text: str, width: int) -> list[str]:
    """Return the text in lines of a terminal's width, or in one line where there is none."""
    return textwrap.wrap(text, width) or [""] if width else [text]


def _lines_with(whole: Sequence[list[T]], most: int) -> int:
    return sum(min(len(lines), most) for lines in whole)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
