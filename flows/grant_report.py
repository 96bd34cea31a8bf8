"""The report on an award as a flow, so that it can be made from the Prefect UI or by a schedule."""

import datetime
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows.prefect_ui.form import AwardChoice, StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from notebake.humanize import pluralize
from notebake.local.home import home
from notebake.reports.grant.collect import collect_report
from notebake.reports.grant.document import Amounts, GrantReport
from notebake.reports.grant.pages import Pages, folder_name, write_pages
from notebake.runs.open_store import default_location

log = logging.getLogger(__name__)
KEY = "report-on-an-award"


@flow(name="Report on an award")
@ending_plainly
def grant_report(
    award: AwardChoice,
    first_day: datetime.date | None = None,
    last_day: datetime.date | None = None,
    store: StoreLocation = "",
    directory: str = "",
) -> Any:
    """Write what an award's runs were, made and cost, and return the path of the pages.

    Args:
        award: The number of the award, as recipes and deployments/awards.yaml have it.
        first_day: First day, UTC; empty: the first of the award's period.
        last_day: Last day, UTC; empty: today.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.
        directory: Folder on the worker to write to; empty: one in `reports` in notebake's home.

    Raises:
        NotebakeError: nobody knows the award, or the notebook of the report failed.
    """
    report = collect_report(award, store or default_location(), first_day, last_day)
    folder = Path(directory) if directory else home() / "reports" / folder_name(report)
    pages = write_pages(report, folder)
    text = "\n".join(summary_lines(report, pages))
    create_markdown_artifact(text, key=KEY, description=f"Report on award {award}")
    log.info("The report is in %s", pages.html)
    return Completed(message=f"The report is in {pages.html}", data=str(pages.html))


def summary_lines(report: GrantReport, pages: Pages) -> Iterator[str]:
    """Yield the sums of a report, and where its files are, as Markdown."""
    yield f"# Award {report.award.number}, {report.first_day} to {report.last_day}"
    yield ""
    yield "| US dollars | estimated | metered | billed |"
    yield "| --- | ---: | ---: | ---: |"
    for row in report.months:
        yield f"| {row.name} | {' | '.join(_cells(row.amounts))} |"
    yield f"| in all, {pluralize(len(report.runs), 'run')} | {' | '.join(_cells(report.total))} |"
    yield ""
    verified = report.verification
    if verified.findings:
        yield f"**The record was changed: {pluralize(len(verified.findings), 'finding')}.**"
    elif verified.unreadable:
        yield f"**Not read: {pluralize(len(verified.unreadable), 'run')}.**"
    else:
        yield "The verification of the record has found no change."
    yield ""
    for path in filter(None, (pages.html, pages.pdf, pages.annex)):
        yield f"- `{path}`"


def _cells(amounts: Amounts) -> Iterator[str]:
    for column in ("estimated", "metered", "billed"):
        amount = getattr(amounts, column)
        is_partly_unknown = column in amounts.unknown
        unknown = "?" if is_partly_unknown else "-"
        yield f"{'≥ ' if is_partly_unknown else ''}{amount}" if amount else unknown
