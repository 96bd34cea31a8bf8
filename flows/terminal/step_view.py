"""The steps of a run as lines that fit the terminal."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.spinner import Spinner
from rich.text import Text

from notebake.humanize import format_seconds
from notebake.runbook.progress import Progress, State, StepProgress

MARKS = {
    State.PENDING: ("·", "dim"),
    State.FOUND: ("✓", "dim green"),
    State.DONE: ("✓", "green"),
    State.FAILED: ("✗", "bold red"),
    State.STOPPED: ("-", "yellow"),
}
ASCII_MARKS = str.maketrans("·✓✗│…⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", ".+x|~" + "*" * 10)
STYLES = {State.PENDING: "dim", State.FOUND: "dim", State.RUNNING: "bold"}
MESSAGE_STYLES = {State.RUNNING: "cyan", State.FAILED: "red"}
LEAST_MESSAGE_WIDTH = 28
"""Columns for a message and a time besides the titles; with less, messages are shown below."""


class StepView:
    """A Rich renderable that shows a `Progress` as it stands at each refresh."""

    def __init__(self, heading: str, progress: Progress) -> None:
        self._heading = heading
        self._progress = progress
        self._spinner = Spinner("dots", style="bold cyan")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the heading, one line for each step, and what hosts printed last."""
        progress, steps = self._progress, self._progress.steps()
        width = min(options.max_width, 120)
        title_width = max((len(step.title) for step in steps), default=0) + 2
        is_narrow = width - title_width - 5 < LEAST_MESSAGE_WIDTH
        rows = [
            (step.state, self._row(step, width, 0 if is_narrow else title_width)) for step in steps
        ]
        notes = [step.message for step in steps if is_narrow and step.state is State.RUNNING]
        notes = [*filter(None, notes), *progress.remote_lines()][-3:]
        height = len(rows) if progress.is_over else max(options.size.height - len(notes) - 5, 3)
        lines = [
            Text(),
            _spread(Text(f" {self._heading}", "bold"), _time_of(progress.elapsed()), width),
            Text(),
            *_fit(rows, height),
            *([Text()] if notes else []),
            *[Text(f"    │ {note}", "dim", no_wrap=True) for note in notes],
        ]
        for line in lines:
            line.truncate(width, overflow="ellipsis")
            yield _as_ascii(line) if options.ascii_only else line

    def _row(self, step: StepProgress, width: int, title_width: int) -> Text:
        """Return the line of a step: mark, title, message if there is room, time."""
        row = Text.assemble("   ", self._mark(step), " ")
        row.append(step.title, STYLES.get(step.state, ""))
        if title_width:
            row.append(" " * (title_width - len(step.title)))
            row.append(step.message, MESSAGE_STYLES.get(step.state, "dim"))
        return _spread(row, _outcome_of(step), width)

    def _mark(self, step: StepProgress) -> Text:
        if step.state is not State.RUNNING:
            return Text(*MARKS[step.state])
        frame = self._spinner.render(self._progress.elapsed())
        return frame if isinstance(frame, Text) else Text("*")


def _fit(rows: list[tuple[State, Text]], height: int) -> list[Text]:
    """Return the rows in this many lines; early and late steps are replaced by their count."""
    first, last = 0, len(rows)
    while last - first + (first > 0) + (last < len(rows)) > height:
        if rows[first][0] in (State.DONE, State.FOUND):
            first += 1
        elif rows[last - 1][0] is State.PENDING:
            last -= 1
        else:
            break
    shown = [row for _, row in rows[first:last]]
    above = [Text(f"   ✓ {first} steps done", "dim")] if first else []
    below = [Text(f"   · {len(rows) - last} steps to come", "dim")] if last < len(rows) else []
    return above + shown + below


def _outcome_of(step: StepProgress) -> Text:
    if step.state is State.PENDING:
        return Text()
    if step.state is State.FOUND:
        return Text(State.FOUND.value, "dim")
    return _time_of(step.seconds)


def _time_of(seconds: float) -> Text:
    return Text(format_seconds(seconds), "dim")


def _spread(left: Text, right: Text, width: int) -> Text:
    """Return one line; its left part is truncated if the right one needs the space."""
    left.truncate(max(width - right.cell_len - 2, 0), overflow="ellipsis")
    left.append(" " * (width - left.cell_len - right.cell_len - 1))
    left.append_text(right)
    left.no_wrap = True
    return left


def _as_ascii(line: Text) -> Text:
    line.plain = line.plain.translate(ASCII_MARKS).encode("ascii", "replace").decode()
    return line
