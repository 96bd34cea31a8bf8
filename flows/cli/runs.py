"""The command `runs`: which runs a store has, and how far each of them is."""

import argparse
import datetime
from concurrent.futures import ThreadPoolExecutor

from rich.text import Text

from flows.terminal.console import open_console
from notebake.errors import NotebakeError
from notebake.runs import registry
from notebake.runs.account import read_account
from notebake.runs.events import Event
from notebake.runs.open_store import default_location, open_store
from notebake.runs.registry import RunHeader
from notebake.runs.run import Run
from notebake.runs.summaries import holder_of
from notebake.store.interface import RunStore

NEWEST = 30
"""How many runs are shown unless all are asked for."""
READERS = 8
Row = tuple[str, str, str, str, str]
"""Run, recipe, account, when it was started, and how far it is."""


def run(given: argparse.Namespace) -> int:
    """List runs, oldest first."""
    store = open_store(given.store or default_location())
    headers = registry.list_runs(store)
    shown = headers if given.all else headers[-NEWEST:]
    console = open_console()
    if not shown:
        console.print(f"No run has been started in {store.location}.", soft_wrap=True)
        return 0
    with ThreadPoolExecutor(READERS) as pool:
        rows = list(pool.map(lambda header: row_of(header, store), shown))
    for line in aligned([("run", "recipe", "account", "started", "state"), *rows]):
        # What a person copies stays one line, however narrow the terminal is.
        console.print(Text(line), soft_wrap=True)
    if len(shown) < len(headers):
        console.print(f"{len(headers) - len(shown)} older ones: notebake runs --all")
    return 0


def row_of(header: RunHeader, store: RunStore) -> Row:
    """Return what is shown of a run; one that cannot be read hides no other."""
    started = local_time(header.created)
    try:
        found = registry.load_run(header.id, store)
        account = str(read_account(header.id, store) or "-")
        if holder := holder_of(found):
            return header.id, found.recipe.name, account, started, f"executed by {holder}"
        event = last_event(found, store)
    except (NotebakeError, ValueError) as error:
        return header.id, "?", "?", started, f"cannot be read: {str(error).splitlines()[0]}"
    said = f"{event.step} {event.happening}, {local_time(event.at)}" if event else "nothing yet"
    return header.id, found.recipe.name, account, started, said


def aligned(rows: list[Row]) -> list[str]:
    """Return rows as lines, each column as wide as its widest text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def last_event(run: Run, store: RunStore) -> Event | None:
    """Return what happened last in a run, without reading what came before."""
    keys = store.list(f"{run.id}/events/")
    stored = store.read(keys[-1]) if keys else None
    return Event.model_validate_json(stored.content) if stored else None


def local_time(moment: datetime.datetime) -> str:
    """Return a moment as the clock on the wall shows it."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
