"""The pages of a report: the notebook that shows the annex, executed, as HTML and as PDF."""

import json
import logging
import os
import re
import subprocess
import sys
from html import escape
from pathlib import Path

from notebake.errors import NotebakeError
from notebake.humanize import clean_text
from notebake.local.atomic_files import write_file
from notebake.project import PROJECT
from notebake.record import Record
from notebake.reports.grant.document import GrantReport

log = logging.getLogger(__name__)
NOTEBOOK = PROJECT / "notebooks/grant_report.ipynb"
FILES = ("report.json", "report.ipynb", "report.html", "report.pdf")
PAPERMILL_SECONDS = 600
INSTALL = "Type: pip install 'notebake[report]'"
STYLE = """
@page { size: A4; margin: 16mm 14mm 18mm; font: 8pt Liberation Sans, Arial, sans-serif;
  color: #666; @bottom-left { content: string(foot) }
  @bottom-right { content: counter(page) " of " counter(pages) } }
body { font: 10pt/1.45 Liberation Sans, Arial, sans-serif; max-width: 60em; margin: 2em auto;
  padding: 0 1em; color: #222 }
@media print { body { margin: 0; padding: 0; max-width: none } }
.foot { string-set: foot content(); display: none }
@media print { .foot { display: block; height: 0; overflow: hidden; margin: 0 } }
h1 { font-size: 20pt; margin: 0 0 2mm } .lead { font-size: 12pt; color: #444; margin: 0 0 6mm }
h2 { font-size: 13pt; margin: 9mm 0 2mm; border-bottom: 1px solid #bbb; break-after: avoid }
h3 { font-size: 10.5pt; margin: 5mm 0 1mm; break-after: avoid }
table.facts { border-collapse: collapse; margin: 2mm 0 4mm }
table.facts th { text-align: left; font-weight: normal; color: #555; white-space: nowrap }
table.facts th, table.facts td { padding: .8mm 5mm .8mm 0; vertical-align: top }
td, code { overflow-wrap: anywhere } td.gt_right { white-space: nowrap }
svg { max-width: 100%; height: auto } .gt_table { margin: 3mm 0 !important }
tr, svg, .chart, table.facts { break-inside: avoid } .chart { break-before: avoid }
"""
HEAD = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
    " style-src 'unsafe-inline'; img-src data:\">"
)


class Pages(Record):
    """The files of a report."""

    annex: Path
    notebook: Path
    html: Path
    pdf: Path | None = None
    """None if WeasyPrint, or what it needs of the system, is not installed."""


def folder_name(report: GrantReport) -> str:
    """Return a name for the folder of a report."""
    number = re.sub(r"[^A-Za-z0-9._-]+", "-", report.award.number)
    return f"report-{number}-{report.first_day}-{report.last_day}"


def write_pages(report: GrantReport, folder: Path) -> Pages:
    """Write the annex, the executed notebook and the pages into a folder; an earlier report goes.

    Raises:
        NotebakeError: the folder cannot be written or has files of others, what shows reports is
            not installed, or the notebook failed.
    """
    folder = folder.absolute()
    make_room(folder)
    annex, notebook, page, pdf = (folder / name for name in FILES)
    write_file(annex, report.model_dump_json(indent=1).encode())
    _execute(annex, notebook)
    days = f"{report.first_day} to {report.last_day}"
    content = page_of(notebook, f"Report on award {report.award.number}, {days}")
    write_file(page, content.encode())
    return Pages(
        annex=annex, notebook=notebook, html=page, pdf=pdf if print_pdf(content, pdf) else None
    )


def make_room(folder: Path) -> None:
    """Remove an earlier report from a folder, which is made if it does not exist.

    Raises:
        NotebakeError: it cannot be written, or files have the names of a report and are none.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = [folder / name for name in FILES if (folder / name).exists()]
        if there and not _is_annex(folder / FILES[0]):
            raise NotebakeError(
                f"{there[0]} is no part of a report of notebake, and is not overwritten.",
                "Name another folder: --output DIRECTORY",
            )
        for path in there:
            path.unlink()
    except OSError as error:
        raise NotebakeError(
            f"Tried to write the report into {folder}: {error.strerror or error}.",
            "Name another folder: --output DIRECTORY",
        ) from error


def _is_annex(path: Path) -> bool:
    try:
        content = json.loads(path.read_bytes())
        return all(field in content for field in ("format", "award", "verification"))
    except (OSError, TypeError, ValueError):
        return False


def _execute(annex: Path, notebook: Path) -> None:
    """Execute the notebook by papermill, with this Python and whatever of ours it can import."""
    # The name only: papermill starts in the folder, and takes braces in a path for parameters.
    command = [sys.executable, "-m", "papermill", str(NOTEBOOK), notebook.name]
    options = ["--no-progress-bar", "--kernel", "python3", "--language", "python"]
    environment = {
        **os.environ,
        # A kernel of the same name that the user has installed may be another Python.
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONSAFEPATH": "1",
    }
    try:
        done = subprocess.run(
            [*command, *options, "--parameters", "annex", str(annex.resolve())],
            env=environment,
            cwd=notebook.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PAPERMILL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotebakeError(
            f"The notebook of the report did not end within {PAPERMILL_SECONDS} s.",
            f"The annex is complete: {annex}",
        ) from None
    if done.returncode:
        raise _failure(clean_text(done.stderr), annex)


def _failure(stderr: str, annex: Path) -> NotebakeError:
    lines = [line for line in stderr.splitlines() if line.strip()] or ["no reason given"]
    is_missing = "No module named" in stderr or "No such kernel" in stderr
    hint = INSTALL if is_missing else f"See {annex.with_suffix('.ipynb')}."
    return NotebakeError(
        f"The notebook of the report failed: {lines[-1]}", f"{hint} The annex is complete: {annex}"
    )


def page_of(notebook: Path, title: str) -> str:
    """Return an executed notebook as one page without code that loads nothing and runs nothing."""
    import nbformat
    from nbconvert.exporters.html import HTMLExporter

    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    shown = nbformat.read(notebook, as_version=nbformat.NO_CONVERT)
    # The first cell tells readers of the notebook what it is.
    shown.cells = shown.cells[1:]
    body, _ = exporter.from_notebook_node(shown)
    return (
        f"{HEAD}<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<p class=foot>{escape(title)}</p>\n{body}\n</body></html>\n"
    )


def print_pdf(page: str, path: Path) -> bool:
    """Write a page as PDF; return False, and log why, if that cannot be done here."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        log.warning("There is no PDF, as WeasyPrint cannot be used here: %s", error)
        return False
    # A report must be the same everywhere: it loads nothing.
    HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=())).write_pdf(path)
    return True
