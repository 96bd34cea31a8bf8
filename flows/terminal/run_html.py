"""One run as an HTML page that needs nothing else, and runs no script."""

import json
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from flows.terminal.run_page import People, sections_of
from notebake.runs.approvals.question import Question
from notebake.runs.recorded_run import RecordedRun

STYLE = (
    "body{font:15px/1.4 sans-serif;margin:2em auto;max-width:75em;padding:0 1em}"
    "table{border-collapse:collapse}td{padding:.15em .9em .15em 0;vertical-align:top;"
    "overflow-wrap:anywhere}h2{font-size:1.1em;margin:1.5em 0 .3em}"
    "pre{white-space:pre-wrap;margin:0}"
)
HEAD = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
    " style-src 'unsafe-inline'\">"
)


def html_of(recorded: RecordedRun, people: People, questions: Sequence[Question] = ()) -> str:
    """Return the page of a run, with all its entries."""
    title = escape(f"Run {recorded.summary.run}")
    return "\n".join(
        (
            f"{HEAD}<title>{title}</title><style>{STYLE}</style></head><body>",
            *_sections(recorded, people, questions),
            *_entries(recorded),
            "</body></html>\n",
        )
    )


def _sections(
    recorded: RecordedRun, people: People, questions: Sequence[Question]
) -> Iterator[str]:
    for section in sections_of(recorded, people, questions):
        yield f"<h2>{escape(section.heading)}</h2>"
        yield from _table(section.rows)


def _entries(recorded: RecordedRun) -> Iterator[str]:
    if not recorded.entries:
        return
    yield "<h2>All entries</h2><table>"
    for entry in recorded.entries:
        body = json.dumps(entry.body, indent=1, ensure_ascii=False)
        cells = (str(entry.sequence), entry.time, entry.who, entry.kind)
        shown = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        yield f"<tr>{shown}<td><pre>{escape(body)}</pre></td></tr>"
    yield "</table>"


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "<table>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
    yield "</table>"
