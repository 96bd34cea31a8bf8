"""`notebake report`: the report on an award, as pages, as PDF, and as an annex for machines."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import location_of, read_day
from flows.cli.exit_codes import DONE, TAMPERED, UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notebake.reports.grant.document import GrantReport
    from notebake.reports.grant.pages import Pages

EXAMPLE = """\
notebake report --award OCE-0000001
notebake report --award OCE-0000001 --from 2026-07-01 --output q3"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--award", required=True, metavar="NUMBER", help="as recipes and awards.yaml have it"
    )
    parser.add_argument(
        "--from",
        dest="first_day",
        type=read_day,
        metavar="DAY",
        help="first day, such as 2026-11-23, in UTC; default: the first of the award's period",
    )
    parser.add_argument(
        "--to", dest="last_day", type=read_day, metavar="DAY", help="last day; default: today"
    )
    parser.add_argument(
        "--output",
        default="",
        metavar="DIRECTORY",
        help="where to write; default: report-NUMBER-DAY-DAY in this directory",
    )


def run(given: argparse.Namespace) -> int:
    """Write the report, and say where."""
    from pathlib import Path

    from flows.terminal.console import open_console
    from notebake.reports.grant.collect import collect_report
    from notebake.reports.grant.pages import folder_name, write_pages

    report = collect_report(given.award, location_of(given), given.first_day, given.last_day)
    pages = write_pages(report, Path(given.output or folder_name(report)))
    console = open_console()
    for line in lines_of(report, pages):
        console.print(line, markup=False, soft_wrap=True)
    if report.verification.findings:
        return TAMPERED
    return UNREADABLE if report.verification.unreadable else DONE


def lines_of(report: "GrantReport", pages: "Pages") -> "Iterator[str]":
    """Yield what the report is, where it is, and what the verification has shown."""
    from notebake.humanize import format_dollars, pluralize

    days = f"{report.first_day} to {report.last_day}"
    metered = format_dollars(
        report.total.metered, is_complete="metered" not in report.total.unknown
    )
    count = pluralize(len(report.runs), "run")
    yield f"Award {report.award.number}, {days}: {count}, metered {metered or 'nothing'}."
    yield f"  pages  {pages.html}"
    yield f"  PDF    {pages.pdf or 'not made: WeasyPrint, or Pango, is not installed'}"
    yield f"  annex  {pages.annex}"
    if found := report.verification.findings:
        yield f"THE RECORD WAS CHANGED: {pluralize(len(found), 'finding')}."
    if unread := report.verification.unreadable:
        yield f"Not all of the record could be read: {pluralize(len(unread), 'run')}."
    if found or unread:
        yield "Type: notebake history verify"
