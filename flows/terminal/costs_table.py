"""What runs cost, as a table of three columns that are never mixed, and what stands by month."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from flows.terminal.console import open_console
from notebake.costs.charges import Column
from notebake.costs.money import format_usd
from notebake.costs.prices import read_prices
from notebake.costs.sums import Report, Row

NAME_WIDTH = 46
CELL = "{:>11}"
"""Together narrower than 80 columns; a longer name has a line of its own."""
COLUMNS = (Column.ESTIMATED, Column.METERED, Column.BILLED)


def print_costs(by: str, found: Report, stands: Report | None, up: Sequence[str]) -> None:
    """Print the sums, what counts for no award, and what exists now if that was asked for."""
    console = open_console()
    if found.rows or found.apart:
        _print_table(console, f"US dollars, by {by}", by, found, COLUMNS)
    else:
        console.print("Nothing in this run store has cost anything in this time.")
    for run in up:
        console.print(f"Up when it was metered, and costs more by now: run {run}", soft_wrap=True)
    if stands is not None:
        console.print()
        if stands.rows or stands.apart:
            _print_table(console, "What exists now, a month", by, stands, (Column.STANDING,))
        else:
            console.print("Nothing of any run exists in these regions.")
    written = read_prices().written.isoformat()
    console.print(
        f"Estimated and metered at list prices; notebake's own are of {written}.", soft_wrap=True
    )


def _print_table(
    console: Console, title: str, by: str, found: Report, columns: Sequence[Column]
) -> None:
    """Print the rows; what counts for no award is a part of them, but by award it is not."""
    console.print(Text(line_of(title, columns), "bold"), soft_wrap=True)
    _print_rows(console, found.rows, columns)
    if by == "award":
        _print_rows(console, found.apart, columns)
    console.print(Text(line_of(found.total.name, cells_of(found.total, columns)), "bold"))
    if found.apart and by != "award":
        console.print(Text("Of that counts for no award:", "yellow"))
        _print_rows(console, found.apart, columns)


def _print_rows(console: Console, rows: Iterable[Row], columns: Sequence[Column]) -> None:
    for row in rows:
        for line in lines_of(row, columns):
            console.print(Text(line, "yellow" if row.detail else ""), soft_wrap=True)


def lines_of(row: Row, columns: Sequence[Column]) -> Iterator[str]:
    """Yield the line of a row, and its name in a line before if that is long."""
    name = ", ".join(filter(None, (row.name, row.detail)))
    if len(name) > NAME_WIDTH:
        yield name
        name = ""
    yield line_of(name, cells_of(row, columns))


def cells_of(row: Row, columns: Sequence[Column]) -> list[str]:
    """Return the amounts of a row: `-` where it has none, `?` where none is known."""
    found = [row.amounts.get(column) for column in columns]
    return [
        format_usd(amount.usd if amount.has_known else None, is_complete=not amount.has_unknown)
        if amount
        else "-"
        for amount in found
    ]


def line_of(name: str, cells: Sequence[str]) -> str:
    """Return a line of the table."""
    return f"{name:<{NAME_WIDTH}}{''.join(map(CELL.format, cells))}"
