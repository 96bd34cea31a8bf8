"""The runs of a store as a table."""

import datetime
from collections.abc import Mapping, Sequence

from rich.text import Text

from flows.terminal.console import open_console
from notebake.humanize import clean_text
from notebake.runs.history_row import NEVER, HistoryRow
from notebake.runs.people import Person, name_of

COLUMNS = ("run", "recipe", "account", "began", "who", "state")


def print_rows(
    rows: Sequence[HistoryRow], people: Mapping[str, Person], *, nothing: str, older: str
) -> None:
    """Print the table, or the sentence `nothing`; then the line `older`."""
    console = open_console()
    if not rows:
        console.print(Text(nothing), soft_wrap=True)
        return
    for line in align([COLUMNS, *(cells_of(row, people) for row in rows)]):
        # Text to copy is not wrapped, even on a narrow terminal.
        console.print(Text(clean_text(line)), soft_wrap=True)
    if older:
        console.print(Text(older), soft_wrap=True)


def cells_of(row: HistoryRow, people: Mapping[str, Person]) -> tuple[str, ...]:
    """Return a row of the table, with "?" for unreadable values."""
    unknown = "?" if row.error else "-"
    who = [name_of(each, people) for each in row.people]
    return (
        row.run_id,
        row.recipe or unknown,
        row.account_id or unknown,
        "?" if row.began == NEVER else local_time(row.began),
        ", ".join(who) or unknown,
        state_of(row),
    )


def state_of(row: HistoryRow) -> str:
    """Return the outcome of a run, or how far it is."""
    if row.error:
        return f"cannot be read: {row.error}"
    if row.holder:
        return f"executed by {row.holder}"
    if row.is_sealed:
        return f"{row.outcome}, {row.image_id}" if row.image_id else row.outcome
    last = "nothing yet"
    if row.last_step and row.last_at:
        last = f"{row.last_step} {row.last_outcome}, {local_time(row.last_at)}"
    return f"{row.outcome}: {last}"


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def local_time(time: datetime.datetime) -> str:
    """Return a timestamp in local time."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"
