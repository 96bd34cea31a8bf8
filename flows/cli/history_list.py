"""`history list`: the runs of a store, with what became of them or how far they are."""

import argparse
import datetime
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, check_days, location_of
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from notebake.runs.history_row import HistoryRow
    from notebake.runs.people import Person

EXAMPLE = """\
notebake history list --recipe ocean --since 2026-11-01
notebake --store s3://BUCKET/PREFIX history list --open --json"""
ROW_FIELDS = {
    "run_id": "run id; the oldest run comes first",
    "recipe": "name of its recipe",
    "account_id": "AWS account that it belongs to",
    "started_at": "time, ISO 8601 in UTC",
    "ended_at": "when its last execution ended",
    "outcome": "accepted, failed, torn down, open or not recorded",
    "people": "who executed it",
    "awards": "the awards that its recipe names",
    "image_id": "the image that it left",
    "executed_by": "process that executes it now; null: none does",
    "last_step": "step of its last event; null: none yet",
    "last_outcome": "outcome of that step: done, found, failed, undone",
    "last_at": "time of that event",
    "error": "why the run cannot be read; null: it can",
}
"""The fields of a run, here and in `history export`."""
FIELDS = {
    "store": "location of the run store",
    **{f"runs[].{name}": meaning for name, meaning in ROW_FIELDS.items()},
    "older_runs": "how many older runs --all would list as well",
}
NEWEST = 30
"""How many runs are shown without `--all`."""
OUTCOMES = ("accepted", "failed", "torn down", "open", "not recorded")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options."""
    parser.add_argument("--all", action="store_true", help=f"more than the newest {NEWEST}")
    parser.add_argument(
        "--open", action="store_true", help="only runs of which something temporary may be left"
    )
    parser.add_argument("--recipe", metavar="NAME", help="only runs of this recipe")
    parser.add_argument("--person", metavar="WHO", help="only runs that this login executed")
    parser.add_argument("--award", metavar="NUMBER", help="only runs for this award")
    parser.add_argument("--since", type=day, metavar="DAY", help="from this day on: 2026-11-01")
    parser.add_argument("--until", type=day, metavar="DAY", help="up to this day, included")
    parser.add_argument(
        "--outcome", choices=OUTCOMES, metavar="OUTCOME", help=f"one of: {', '.join(OUTCOMES)}"
    )
    add_json(parser)
    parser.set_defaults(refusing=parser)


def day(text: str) -> datetime.datetime:
    """Return the beginning of a day in local time."""
    return datetime.datetime.fromisoformat(text).astimezone()


def run(given: argparse.Namespace) -> int:
    """List runs, oldest first."""
    from notebake.runs.history import list_rows
    from notebake.runs.open_store import open_store
    from notebake.runs.people import read_people
    from notebake.runs.run_record import record_place

    check_days(given, given.refusing)
    location = open_store(location_of(given)).location
    people = read_people(record_place(location))
    newest = None if given.all else NEWEST
    rows, older = list_rows(location, newest=newest, wanted=filter_of(given, people))
    if given.json:
        from flows.cli.json_output import print_document

        listed = [document_row(row, people) for row in rows]
        print_document({"store": location, "runs": listed, "older_runs": older})
    else:
        from flows.terminal.history_table import print_rows

        print_rows(
            rows,
            people,
            nothing=describe_nothing(given, location),
            older=f"{older} older ones: notebake history list --all" if older else "",
        )
    return DONE


def describe_nothing(given: argparse.Namespace, location: str) -> str:
    """Return the sentence that stands for an empty list."""
    if filter_of(given, {}):
        return f"No such run is in {location}."
    return f"No run has been started in {location}."


def filter_of(
    given: argparse.Namespace, people: "Mapping[str, Person]"
) -> "Callable[[HistoryRow], bool] | None":
    """Return whether a run is one of those that are asked for; None: all are."""
    from notebake.runs.people import is_meant

    one_day = datetime.timedelta(days=1)
    tests: list[Callable[[HistoryRow], bool]] = []
    if given.open:
        tests.append(lambda row: not row.is_sealed)
    if given.recipe:
        tests.append(lambda row: row.recipe == given.recipe)
    if given.person:
        tests.append(lambda row: any(is_meant(who, given.person, people) for who in row.people))
    if given.award:
        tests.append(lambda row: given.award in row.awards)
    if given.since:
        tests.append(lambda row: row.began >= given.since)
    if given.until:
        tests.append(lambda row: row.began < given.until + one_day)
    if given.outcome:
        tests.append(lambda row: row.outcome == given.outcome)
    return (lambda row: all(test(row) for test in tests)) if tests else None


def document_row(row: "HistoryRow", people: "Mapping[str, Person]") -> dict[str, object]:
    """Return a run as a JSON object."""
    from flows.cli.json_output import iso_time
    from notebake.runs.history_row import NEVER
    from notebake.runs.people import name_of

    return {
        "run_id": row.run_id,
        "recipe": row.recipe,
        "account_id": row.account_id,
        "started_at": None if row.began == NEVER else iso_time(row.began),
        "ended_at": iso_time(row.ended),
        "outcome": row.outcome,
        "people": [name_of(who, people) for who in row.people],
        "awards": list(row.awards),
        "image_id": row.image_id,
        "executed_by": row.holder or None,
        "last_step": row.last_step,
        "last_outcome": row.last_outcome,
        "last_at": iso_time(row.last_at),
        "error": row.error or None,
    }
