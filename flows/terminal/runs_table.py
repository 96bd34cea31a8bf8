"""The runs of a store as a table, and what is known of each."""

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
from notebake.runs.events import Event
from notebake.runs.registry import RunHeader
from notebake.runs.run import Run
from notebake.runs.summaries import holder_of
from notebake.store.interface import RunStore

READERS = 8
COLUMNS = ("run", "recipe", "account", "started", "state")


class RunRow(Record):
    """How far a run is."""

    run_id: str
    started_at: datetime.datetime
    recipe: str | None = None
    account: Account | None = None
    """None where the run has not recorded it."""
    holder: str = ""
    """Who executes it now; "" where nobody does."""
    last_event: Event | None = None
    """None where nothing has happened yet."""
    error: str = ""
    """Why it cannot be read."""

    @property
    def state(self) -> str:
        """How far it is, as a phrase."""
        if self.error:
            return f"cannot be read: {self.error}"
        if self.holder:
            return f"executed by {self.holder}"
        if last := self.last_event:
            return f"{last.step} {last.happening}, {local_time(last.at)}"
        return "nothing yet"


def read_rows(headers: Iterable[RunHeader], store: RunStore) -> list[RunRow]:
    """Return how far runs are, in the order of their headers."""
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda header: read_row(header, store), headers))


def read_row(header: RunHeader, store: RunStore) -> RunRow:
    """Return how far a run is; a run that cannot be read hides no other."""
    known = RunRow(run_id=header.id, started_at=header.created)
    try:
        run = registry.load_run(header.id, store)
        found = {
            "recipe": run.recipe.name,
            "account": read_account(header.id, store),
            "holder": holder_of(run),
            "last_event": last_event(run, store),
        }
    except (NotebakeError, ValueError) as error:
        found = {"error": str(error).splitlines()[0]}
    return known.model_copy(update=found)


def last_event(run: Run, store: RunStore) -> Event | None:
    """Return what happened last in a run, without reading what came before."""
    keys = store.list(f"{run.id}/events/")
    stored = store.read(keys[-1]) if keys else None
    return Event.model_validate_json(stored.content) if stored else None


def print_runs(rows: Sequence[RunRow], location: str, *, older: int) -> None:
    """Print the table, and how many older runs are not in it."""
    console = open_console()
    if not rows:
        console.print(f"No run has been started in {location}.", soft_wrap=True)
        return
    for line in align([COLUMNS, *(cells_of(row) for row in rows)]):
        # What a person copies stays one line, however narrow the terminal is.
        console.print(Text(line), soft_wrap=True)
    if older:
        console.print(f"{older} older ones: notebake runs --all")


def cells_of(row: RunRow) -> tuple[str, ...]:
    """Return a row of the table; "?" stands for what could not be read."""
    unknown = "?" if row.error else "-"
    return (
        row.run_id,
        row.recipe or unknown,
        str(row.account or unknown),
        local_time(row.started_at),
        row.state,
    )


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, each column as wide as its widest text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def local_time(time: datetime.datetime) -> str:
    """Return a time as the clock on the wall shows it."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"
