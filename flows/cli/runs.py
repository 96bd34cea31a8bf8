"""The command `runs`: list the runs of a store with their states."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, location_of
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from flows.terminal.runs_table import RunRow

EXAMPLE = """\
notebake runs
notebake --store s3://BUCKET/PREFIX runs --all --json"""
FIELDS = {
    "store": "location of the run store",
    "runs[].run_id": "run id; the oldest run comes first",
    "runs[].recipe": "name of its recipe",
    "runs[].account_id": "AWS account that it belongs to",
    "runs[].started_at": "time, ISO 8601 in UTC",
    "runs[].executed_by": "process that executes it now; null: none does",
    "runs[].last_step": "step of its last event; null: none yet",
    "runs[].last_outcome": "outcome of that step: done, found or failed",
    "runs[].last_at": "time of that event",
    "runs[].error": "why the run cannot be read; null: it can",
    "older_runs": "how many older runs --all would list as well",
}
NEWEST = 30
"""How many runs are shown without `--all`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument("--all", action="store_true", help=f"more than the newest {NEWEST}")
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List runs, oldest first."""
    from flows.terminal.runs_table import print_runs, read_rows
    from notebake.runs import registry
    from notebake.runs.open_store import open_store

    store = open_store(location_of(given))
    headers = registry.list_runs(store)
    shown = headers if given.all else headers[-NEWEST:]
    rows = read_rows(shown, store)
    older = len(headers) - len(shown)
    if given.json:
        from flows.cli.json_output import print_document

        listed = [document_row(row) for row in rows]
        print_document({"store": store.location, "runs": listed, "older_runs": older})
    else:
        print_runs(rows, store.location, older=older)
    return DONE


def document_row(row: "RunRow") -> dict[str, object]:
    """Return a run as a JSON object."""
    from flows.cli.json_output import iso_time

    last = row.last_event
    return {
        "run_id": row.run_id,
        "recipe": row.recipe,
        "account_id": row.account.id if row.account else None,
        "started_at": iso_time(row.started_at),
        "executed_by": row.holder or None,
        "last_step": last.step if last else None,
        "last_outcome": last.happening if last else None,
        "last_at": iso_time(last.at) if last else None,
        "error": row.error or None,
    }
