"""The report of a build, and the paragraph about an error."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.terminal.console import open_console, steadied
from flows.terminal.plain_lines import break_between_words
from notebake.errors import NotebakeError, describe_next
from notebake.humanize import clean_text, format_seconds
from notebake.runbook.progress import State, StepProgress
from notebake.runs.run import Run

if TYPE_CHECKING:
    from notebake.acceptance.outcome import BuildOutcome
    from notebake.aws.model import Resource

TYPED = re.compile(r"(^|[ `])(sudo|notebake|aws|ssh|chmod|icacls|git|make|pip|curl|python|cp) ")
"""A line of advice with a command to copy, which is not wrapped."""
MARGIN = "   "


def print_report(
    run: Run,
    outcome: "BuildOutcome",
    steps: Sequence[StepProgress],
    seconds: float,
    console: Console | None = None,
) -> None:
    """Print the outcome of a build that took so many seconds."""
    console = console or open_console()
    with steadied(console):
        _print_report(console, run, outcome, [*_sections(outcome, steps, seconds)])


def _print_report(
    console: Console,
    run: Run,
    outcome: "BuildOutcome",
    sections: Sequence[tuple[str, list[RenderableType]]],
) -> None:
    mark, style = ("✓", "bold green") if outcome.is_accepted else ("✗", "bold red")
    verdict = "is accepted" if outcome.is_accepted else "is NOT accepted: do not share it"
    console.print()
    console.print(_marked(mark, Text(f"Image {outcome.image.id} {verdict}", style), style))
    console.print(_indented(f"{outcome.image.name} in {run.region}"))
    console.print(_indented(f"run {run.id}", "dim"))
    for heading, lines in sections:
        console.print()
        console.print(_indented(heading, "bold"))
        for line in lines:
            # Text to copy is not wrapped, even on a narrow terminal.
            console.print(line, soft_wrap=isinstance(line, Text))
    console.print()


def print_error(error: NotebakeError, console: Console | None = None, *, store: str = "") -> None:
    """Print an error and its advice, without a traceback.

    `store` is the value of `--store`, which the next commands need as well.
    """
    console = console or open_console(stderr=True)
    with steadied(console):
        _print_error(error, console, store)


def _print_error(error: NotebakeError, console: Console, store: str) -> None:
    first, *rest = clean_text(error.message).splitlines() or [type(error).__name__]
    console.print()
    console.print(_marked("✗", Text(first, "bold"), "bold red"))
    for line in rest:
        console.print(_indented(line, "dim"))
    width = console.width - len(MARGIN) if console.is_terminal else 0
    hints = [
        part
        for line in clean_text(error.hint).splitlines()
        for part in ([line] if TYPED.search(line) else break_between_words(line, width))
    ]
    lines = [*hints, *describe_next(error.next_commands, store)]
    if lines:
        console.print()
        for mark, line in zip_longest("→", lines, fillvalue=" "):
            # A command to copy is not wrapped, even on a narrow terminal.
            console.print(Text.assemble((f" {mark} ", "bold"), line), soft_wrap=True)
    console.print()


def _sections(
    outcome: "BuildOutcome", steps: Sequence[StepProgress], seconds: float
) -> Iterator[tuple[str, list[RenderableType]]]:
    """Yield each heading with its lines; lines to copy are Text."""
    if outcome.proof:
        sentences = outcome.proof.sentences
        yield "What was proven", [_marked("·", Text(line), "dim", margin=5) for line in sentences]
    paths = [path for path in (outcome.html_path, outcome.notebook_path) if path]
    if paths:
        yield "The executed notebook", [Text(f"     {path}") for path in paths]
    if outcome.held_back:
        yield "What the cooldown held back", [Text(f"     {each}") for each in outcome.held_back]
    if steps:
        yield "Where the time went", [_durations(steps, seconds)]
    if outcome.record_anchor:
        yield "The last entry of its record", [Text(f"     {outcome.record_anchor}")]
    yield "What is left of the run besides the image", [_left_behind(outcome.left_behind)]


def _durations(steps: Sequence[StepProgress], seconds: float) -> RenderableType:
    """Return a table of the steps; the total is less than the sum if some ran concurrently."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for step in steps:
        was_found = step.state is State.FOUND
        duration = State.FOUND.value if was_found else format_seconds(step.seconds)
        table.add_row(step.title, Text(duration, "dim" if was_found else ""))
    table.add_row(Text("in all", "bold"), Text(format_seconds(seconds), "bold"))
    return Padding(table, (0, 0, 0, 5), expand=False)


def _left_behind(resources: Sequence["Resource"]) -> RenderableType:
    if not resources:
        return _indented("nothing was found", margin=5)
    table = Table.grid(padding=(0, 2))
    for left in resources:
        expires = f"ends by itself {left.expires}" if left.expires else ""
        table.add_row(left.kind, Text(left.id, "yellow"), left.state, Text(expires, "dim"))
    return Padding(table, (0, 0, 0, 5), expand=False)


def _marked(mark: str, text: Text, style: str, margin: int = 1) -> RenderableType:
    """Return a paragraph that is indented after its mark."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(mark, style), text)
    return Padding(grid, (0, 0, 0, margin), expand=False)


def _indented(text: str, style: str = "", margin: int = 3) -> RenderableType:
    return Padding(Text(text, style, overflow="fold"), (0, 0, 0, margin), expand=False)
