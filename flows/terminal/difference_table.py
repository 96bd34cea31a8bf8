"""What differs between two runs, as a table."""

from collections.abc import Sequence
from itertools import groupby

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.terminal.console import open_console
from notebake.humanize import clean_text, pluralize
from notebake.ledger.difference import Difference

ABSENT = "∅"
"""Stands for what a run does not have."""
MOST_NUMBERS = 10
"""How many differing numbers are shown; the notebooks themselves show them better."""


def print_differences(found: Sequence[Difference], doubts: Sequence[str]) -> None:
    """Print differences by section, and then what was not compared."""
    console = open_console()
    if not found:
        console.print("Nothing that was compared differs.")
    for section, members in groupby(found, key=lambda each: each.section):
        rows = list(members)
        shown = rows[:MOST_NUMBERS] if section == "numbers" else rows
        console.print(Text(section, "bold"))
        table = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(3):
            table.add_column(overflow="fold")
        for row in shown:
            table.add_row(*(Text(clean_text(cell)) for cell in cells_of(row)))
        console.print(Padding(table, (0, 0, 0, 2), expand=False))
        if len(rows) > len(shown):
            console.print(f"  and {pluralize(len(rows) - len(shown), 'other number')}")
    for doubt in doubts:
        console.print(Text(f"Not compared: {clean_text(doubt)}"), soft_wrap=True)


def cells_of(row: Difference) -> tuple[str, str, str]:
    """Return what differs, the value of the first run, and that of the second."""
    before, after = (ABSENT if value is None else value for value in (row.before, row.after))
    return row.what, before, f"= {after}" if row.is_same and before == after else f"→ {after}"
