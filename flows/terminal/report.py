"""What a person reads at the end: the report of a build, or one paragraph about an error."""

from collections.abc import Iterator
from itertools import zip_longest

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.terminal.console import open_console, steadied
from notebake.aws.model import Resource
from notebake.errors import NotebakeError, describe_next
from notebake.humanize import clean_text, format_seconds
from notebake.record import Record


class StepTime(Record):
    """How long a step took."""

    title: str
    seconds: float
    was_there: bool = False


class BuildReport(Record):
    """What came of a build, and what to do with it."""

    run_id: str
    image_id: str
    image_name: str
    region: str
    is_accepted: bool
    proofs: tuple[str, ...] = ()
    """What acceptance proved, a sentence each."""
    notebook_path: str | None = None
    html_path: str | None = None
    steps: tuple[StepTime, ...] = ()
    total_seconds: float | None = None
    """Wall-clock time; less than the sum where steps ran side by side."""
    left_behind: tuple[Resource, ...] | None = None
    """What a look into the account found of the run beside the image; None: nobody looked."""
    next_commands: tuple[str, ...] = ()


def print_report(report: BuildReport, console: Console | None = None) -> None:
    """Show the report."""
    console = console or open_console()
    with steadied(console):
        _print_report(report, console)


def _print_report(report: BuildReport, console: Console) -> None:
    mark, style = ("✓", "bold green") if report.is_accepted else ("✗", "bold red")
    verdict = "is accepted" if report.is_accepted else "is NOT accepted: do not share it"
    console.print()
    console.print(_marked(mark, Text(f"Image {report.image_id} {verdict}", style), style))
    console.print(_indented(f"{report.image_name} in {report.region}"))
    console.print(_indented(f"run {report.run_id}", "dim"))
    for heading, lines in _sections(report):
        console.print()
        console.print(_indented(heading, "bold"))
        for line in lines:
            # What a person copies stays one line, however narrow the terminal is.
            console.print(line, soft_wrap=isinstance(line, Text))
    console.print()


def print_error(error: NotebakeError, console: Console | None = None, *, store: str = "") -> None:
    """Show what went wrong and what to do, wrapped, without a traceback.

    `store` is where the run store lies, if a person typed it: the next commands need it too.
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
    lines = [*clean_text(error.hint).splitlines(), *describe_next(error.next_commands, store)]
    if lines:
        console.print()
        for mark, line in zip_longest("→", lines, fillvalue=" "):
            # A command that a person copies stays one line, however narrow the terminal is.
            console.print(Text.assemble((f" {mark} ", "bold"), line), soft_wrap=True)
    console.print()


def _sections(report: BuildReport) -> Iterator[tuple[str, list[RenderableType]]]:
    """Give each heading with its lines; what is to be copied as Text."""
    if report.proofs:
        proofs = [_marked("·", Text(proof), "dim", margin=5) for proof in report.proofs]
        yield "What was proven", [*proofs]
    paths = [path for path in (report.html_path, report.notebook_path) if path]
    if paths:
        yield "The executed notebook", [Text(f"     {path}") for path in paths]
    if report.steps:
        yield "Where the time went", [_times(report)]
    yield "What is left of the run beside the image", _left_behind(report)
    if report.next_commands:
        yield "Next", [Text(f"     {command}", "cyan") for command in report.next_commands]


def _times(report: BuildReport) -> RenderableType:
    """Return a table of the steps; the total is less than the sum where some ran together."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for step in report.steps:
        time = "already there" if step.was_there else format_seconds(step.seconds)
        table.add_row(step.title, Text(time, "dim" if step.was_there else ""))
    if report.total_seconds is not None:
        table.add_row(Text("in all", "bold"), Text(format_seconds(report.total_seconds), "bold"))
    return Padding(table, (0, 0, 0, 5), expand=False)


def _left_behind(report: BuildReport) -> list[RenderableType]:
    """Return what a look found; that nobody looked is not that nothing is there."""
    if report.left_behind is None:
        return [_indented("not known: nobody looked", "yellow", margin=5)]
    if not report.left_behind:
        return [_indented("nothing: looked, and found none", margin=5)]
    table = Table.grid(padding=(0, 2))
    for left in report.left_behind:
        expires = f"ends by itself {left.expires}" if left.expires else ""
        table.add_row(left.kind, Text(left.id, "yellow"), left.state, Text(expires, "dim"))
    return [Padding(table, (0, 0, 0, 5), expand=False)]


def _marked(mark: str, text: Text, style: str, margin: int = 1) -> RenderableType:
    """Return a paragraph that hangs beside its mark."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(mark, style), text)
    return Padding(grid, (0, 0, 0, margin), expand=False)


def _indented(text: str, style: str = "", margin: int = 3) -> RenderableType:
    return Padding(Text(text, style, overflow="fold"), (0, 0, 0, margin), expand=False)
