"""`history export`: runs as CSV or JSON, or one run as JSON, HTML or a crate."""

import argparse
import csv
import io
import sys
from typing import TYPE_CHECKING

from flows.cli.arguments import add_run, location_of
from flows.cli.exit_codes import DONE
from flows.cli.history_list import ROW_FIELDS, document_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from notebake.runs.people import Person

EXAMPLE = """\
notebake history export --csv > runs.csv
notebake history export ocean-20261123-120000-1a2b --html > ocean.html
notebake history export ocean-20261123-120000-1a2b --crate ocean-crate.zip"""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Cells that begin so are formulas to a spreadsheet."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options."""
    add_run(parser, nargs="?", default="", help="run id; default: all runs, as rows")
    forms = parser.add_mutually_exclusive_group(required=True)
    forms.add_argument("--csv", action="store_true", help="the rows, safe for spreadsheets")
    forms.add_argument(
        "--json",
        action="store_true",
        help="the rows as `history list` has them, or the summary and the entries of one run",
    )
    forms.add_argument("--html", action="store_true", help="one run as a page without scripts")
    forms.add_argument(
        "--crate",
        metavar="DIRECTORY",
        help="one run as a Provenance Run Crate, written into a new directory or a new .zip file",
    )
    parser.add_argument(
        "--license",
        metavar="URL",
        default="",
        help="address of the licence for a crate; without it the crate says that none was given",
    )
    parser.add_argument(
        "--pseudonyms", action="store_true", help="leave out of a crate who the pseudonyms are"
    )


def run(given: argparse.Namespace) -> int:
    """Print all runs, or one; or write a crate."""
    from notebake.errors import NotebakeError
    from notebake.runs.open_store import open_store
    from notebake.runs.people import read_people
    from notebake.runs.run_record import record_place

    if given.html and not given.run:
        raise NotebakeError("A page is of one run.", "Name it: notebake history export RUN --html")
    if given.csv and given.run:
        raise NotebakeError("As CSV there are rows of runs only.", "Choose --json or --html.")
    if (given.license or given.pseudonyms) and not given.crate:
        raise NotebakeError("--license and --pseudonyms are for a crate.", "Add --crate DIRECTORY.")
    location = open_store(location_of(given)).location
    if given.crate:
        return export_as_crate(given, location)
    people = read_people(record_place(location))
    sys.stdout.write(
        export_run(given.run, location, people, is_html=given.html)
        if given.run
        else export_rows(location, people, is_csv=given.csv)
    )
    return DONE


def export_as_crate(given: argparse.Namespace, location: str) -> int:
    """Write one run as a crate, and say what is not in it."""
    from pathlib import Path

    from flows.build_plan import titles
    from notebake.errors import NotebakeError
    from notebake.reports.crate.export import export_crate

    if not given.run:
        raise NotebakeError(
            "A crate is of one run.", "Name it: notebake history export RUN --crate DIRECTORY"
        )
    written = export_crate(
        given.run,
        location,
        Path(given.crate),
        titles=dict(titles()),
        licence=given.license,
        with_names=not given.pseudonyms,
    )
    lines = [f"Left out: {sentence}" for sentence in written.left_out]
    lines.append(f"Written: {written.path}, with {written.files} stored files of the run.")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return DONE


def export_run(run_id: str, location: str, people: "Mapping[str, Person]", *, is_html: bool) -> str:
    """Return one run with all its entries."""
    import json

    from flows.terminal.run_html import html_of
    from notebake.runs.approvals.approval_log import questions_of
    from notebake.runs.recorded_run import read_recorded_run

    recorded = read_recorded_run(run_id, location)
    questions = questions_of(run_id, location)
    if is_html:
        return html_of(recorded, people, questions)
    document = {
        "run": recorded.summary.model_dump(mode="json"),
        "is_recorded": recorded.is_recorded,
        "is_sealed": recorded.is_sealed,
        "approvals": [each.model_dump(mode="json") for each in questions],
        "entries": [entry.model_dump(mode="json") for entry in recorded.entries],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def export_rows(location: str, people: "Mapping[str, Person]", *, is_csv: bool) -> str:
    """Return all runs, oldest first."""
    import json

    from notebake.runs.history import list_rows

    rows = [document_row(row, people) for row in list_rows(location)[0]]
    if not is_csv:
        return json.dumps({"store": location, "runs": rows}, indent=2, allow_nan=False) + "\n"
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(ROW_FIELDS)
    writer.writerows([cell(row[name]) for name in ROW_FIELDS] for row in rows)
    return text.getvalue()


def cell(value: object) -> str:
    """Return a value as text that no spreadsheet takes for a formula."""
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
