"""A check for updates as text: each cause with its changes, how it was asked, and what was not.

A terminal gets at most 40 lines, each no wider than itself; a pipe gets whole lines.
"""

import re
from collections.abc import Iterator, Sequence

from rich.text import Text

from flows.terminal.advice_lines import TITLE, advice_heading, advice_lines
from flows.terminal.console import open_console
from flows.terminal.update_layout import INDENT, below, heading, wrap
from notebake.errors import NextCommand
from notebake.humanize import capitalize_first, clean_text, format_local, pluralize
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.recipe import NO_NEW_IMAGE
from notebake.images.updates.sentence import changes_that_count, describe_check, show_value
from notebake.images.updates.update_check import UpdateCheck

MOST_LINES = 40
LEAST_CHANGES = 2
"""So many changes of each cause are shown, however many there are in all."""
WIDEST_NAME = 28
SAME_REASON = "for the same reason"
COMMIT = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")
STYLES = {"changed": "yellow", "not checked": "magenta", "unchanged": ""}


def print_check(
    check: UpdateCheck,
    recipe_path: str,
    *,
    store: str = "",
    location: str = "",
    shows_all: bool = False,
) -> None:
    """Print a check, of many changes the first ones.

    `store` is the run store if one was named, `location` the one that was asked.
    """
    console = open_console()
    width = console.width if console.is_terminal else 0
    head = [*_head(check, NextCommand(("build", recipe_path)).command_line(store), width)]
    before = (None, *check.findings)
    fixed = [_heading(*pair, width) for pair in zip(check.findings, before, strict=False)]
    whole = [_changes(finding, width) for finding in check.findings]
    fixed += [advice_heading(advice, width) for advice in check.advice]
    whole += [advice_lines(advice, width, shows_all=shows_all) for advice in check.advice]
    if check.image_id is None and location:
        head.insert(1, Text(f"The run store that was asked: {location}"))
    if check.advice:
        fixed[len(check.findings)][:0] = [Text(""), Text(TITLE)]
    room = MOST_LINES - sum(map(len, (head, *fixed)))
    shown = whole if shows_all else _shorten(whole, room)
    for line in head:
        console.print(line, soft_wrap=True)
    for lines, changes in zip(fixed, shown, strict=True):
        for line in (*lines, *changes):
            console.print(line, soft_wrap=True)
    if shown != whole:
        command = NextCommand(("check", recipe_path, "--all")).command_line(store)
        console.print(Text(f"All of it: {command}", "dim"), soft_wrap=True)


def _head(check: UpdateCheck, build_command: str, width: int) -> Iterator[Text]:
    """Yield what was compared, and the result in one sentence."""
    if check.image_id is None:
        yield Text(f"{capitalize_first(describe_check(check))} in {check.region}.")
        yield Text(f"To make one: {build_command}")
        return
    accepted = f", accepted {format_local(check.accepted)}" if check.accepted else ""
    yield Text.assemble((check.image_id, "bold"), f" of {check.recipe} in {check.region}{accepted}")
    yield Text(f"by run {check.run_id}", "dim")
    sentence = f"{capitalize_first(clean_text(describe_check(check)))}."
    yield from map(Text, wrap(sentence, width))
    yield Text("")


def _heading(finding: CauseFinding, before: CauseFinding | None, width: int) -> list[Text]:
    """Return a cause with its state, and how it was asked or why it was not.

    `before` is the finding above it: a reason that both have stands once.
    """
    count = len({change.name for change in changes_that_count(finding)})
    state = f"{count} changed" if count > 1 else finding.state
    how = None if finding.state == "not checked" else clean_text(finding.how)
    name = Text(finding.cause, "bold")
    reason = clean_text(finding.reason)
    if before and reason and reason == clean_text(before.reason):
        reason = SAME_REASON
    return heading(name, Text(state, STYLES[finding.state]), how, reason, width)


def _changes(finding: CauseFinding, width: int) -> list[Text]:
    """Return a line for each change: `xarray  2026.9 → 2026.11`."""
    names = [clean_text(change.name) for change in finding.changes]
    column = min(max(map(len, names), default=0), WIDEST_NAME)
    return [
        line
        for name, change in zip(names, finding.changes, strict=True)
        for line in _change(name, change, column, width)
    ]


def _change(name: str, change: Change, column: int, width: int) -> list[Text]:
    old, new = (
        COMMIT.sub(r"\1", clean_text(show_value(each))) for each in (change.old, change.new)
    )
    label, values = f"{name}:".ljust(column + 1), f"{old} → {new}"
    detail = f"  {clean_text(change.detail)}" if change.detail else ""
    style = "dim" if change.detail == NO_NEW_IMAGE else ""
    text = f"{label} {values}{detail}"
    if width and len(INDENT + text) > width:
        return below(text, width, style)
    return [Text.assemble((f"{INDENT}{label} {values}", style), (detail, "dim"))]


def _shorten(whole: Sequence[list[Text]], room: int) -> list[list[Text]]:
    """Return the first lines of each list, so that all fit into the room if that can be."""
    if sum(map(len, whole)) <= room:
        return [*whole]
    most = max(map(len, whole))
    while most > LEAST_CHANGES and _lines_with(whole, most) > room - 1:
        most -= 1
    return [
        lines
        if len(lines) <= most
        else [*lines[: most - 1], Text(f"{INDENT}and {_more(len(lines) - most + 1)}", "dim")]
        for lines in whole
    ]


def _lines_with(whole: Sequence[list[Text]], most: int) -> int:
    return sum(min(len(lines), most) for lines in whole)


def _more(count: int) -> str:
    return pluralize(count, "more line")
