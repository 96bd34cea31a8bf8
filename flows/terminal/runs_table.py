"""The runs of a store as a table."""

import datetime
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.text import Text

from flows.terminal.console import open_console
from notebake.aws.model import Account
from notebake.errors import NotebakeError
from notebake.record import Record
from notebake.runs import registry
from notebake.runs.account import read_account
from notebake.runs.events import Event, last_event
from notebake.runs.registry import RunHeader
from notebake.runs.summaries import holder_of
from notebake.store.interface import RunStore

READERS = 8
COLUMNS = ("run", "recipe", "account", "started", "state")


class RunRow(Record):
    """The state of a run."""

    run_id: str
    started_at: datetime.datetime
    recipe: str | None = None
    account: Account | None = None
    """None if the run has not recorded it."""
    holder: str = ""
    """Who is executing it; "" if nobody is."""
    last_event: Event | None = None
    """None if no step has ended yet."""
    error: str = ""
    """Why the run cannot be read."""

    @property
    def state(self) -> str:
        if self.error:
            return f"cannot be read: {self.error}"
        if self.holder:
            return f"executed by {self.holder}"
        if last := self.last_event:
            return f"{last.step} {last.happening}, {local_time(last.at)}"
        return "nothing yet"


def read_rows(headers: Iterable[RunHeader], store: RunStore) -> list[RunRow]:
    """Return the states of runs, in the order of their headers."""
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda header: read_row(header, store), headers))


def read_row(header: RunHeader, store: RunStore) -> RunRow:
    """Return the state of a run, or the error if it cannot be read."""
    known = RunRow(run_id=header.id, started_at=header.created)
    try:
        run = registry.load_run(header.id, store)
        found = {
            "recipe": run.recipe.name,
            "account": read_account(header.id, store),
            "holder": holder_of(run),
            "last_event": last_event(run),
        }
    except (NotebakeError, ValueError) as error:
        found = {"error": str(error).splitlines()[0]}
    return known.model_copy(update=found)


def print_runs(rows: Sequence[RunRow], location: str, *, older: int) -> None:
    """Print the table, and the number of older runs that it leaves out."""
    console = open_console()
    if not rows:
        console.print(f"No run has been started in {location}.", soft_wrap=True)
        return
    for line in align([COLUMNS, *(cells_of(row) for row in rows)]):
        # Text to copy is not wrapped, even on a narrow terminal.
        console.print(Text(line), soft_wrap=True)
    if older:
        console.print(f"{older} older ones: notebake runs --all")


def cells_of(row: RunRow) -> tuple[str, ...]:
    """Return a row of the table, with "?" for unreadable values."""
    unknown = "?" if row.error else "-"
    return (
        row.run_id,
        row.recipe or unknown,
        str(row.account or unknown),
        local_time(row.started_at),
        row.state,
    )


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def local_time(time: datetime.datetime) -> str:
    """Return a timestamp in local time."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"
