"""What differs between two images, as an HTML page that needs nothing else, and runs no script."""

from collections.abc import Iterator, Sequence
from html import escape

from flows.terminal.cause_lines import MOST_LINES, Paragraph, shorten, values_of
from flows.terminal.image_difference_lines import describe_image, foot_of, paragraphs_of
from flows.terminal.run_html import HEAD, STYLE
from notebake.humanize import capitalize_first, clean_text, pluralize
from notebake.images.difference.image_difference import ImageDifference, describe_difference

MORE_STYLE = (
    "h3{font-size:1em;margin:1em 0 .2em}td:first-child{font-weight:bold}"
    ".state,.detail,.reason{color:#555;font-weight:normal}.security h3{color:#a00000}"
    "summary{cursor:pointer;color:#0050a0;text-decoration:underline;margin:1.5em 0 .3em}"
    "@media (prefers-color-scheme:dark){body{background:#181818;color:#ddd}"
    ".state,.detail,.reason{color:#aaa}.security h3{color:#ff8080}summary{color:#80b8ff}}"
)
FIXED_LINES = 5
"""Title, sentence, both images, and the last heading."""


def html_of_difference(found: ImageDifference) -> str:
    """Return the page: the first changes of each cause, and all of them behind one link."""
    title = f"{found.before.image_id or found.before.run_id} → "
    title += found.after.image_id or found.after.run_id
    return "\n".join(
        (
            f"{HEAD}<title>{escape(title)}</title><style>{STYLE}{MORE_STYLE}</style></head><body>",
            f"<h2>{escape(title)}</h2>",
            f"<p>{escape(capitalize_first(clean_text(describe_difference(found))))}.</p>",
            *_images(found),
            *_paragraphs(found),
            "</body></html>\n",
        )
    )


def _images(found: ImageDifference) -> Iterator[str]:
    yield "<table>"
    for sign, image in (("from", found.before), ("to", found.after)):
        yield f"<tr><td>{sign}</td><td>{escape(clean_text(describe_image(image)))}</td></tr>"
    yield "</table>"


def _paragraphs(found: ImageDifference) -> Iterator[str]:
    shown = [each for each in paragraphs_of(found) if each.changes or each.reason]
    rows = [_rows(each) for each in shown]
    foot = [*foot_of(found)]
    headings = len(shown) + sum(bool(each.changes and each.reason) for each in shown)
    room = MOST_LINES - FIXED_LINES - len(foot) - headings
    first = shorten(rows, room, _more)
    for paragraph, lines in zip(shown, first, strict=True):
        yield from _paragraph(paragraph, lines)
    yield "<h3>Besides</h3><table>"
    for title, text in foot:
        yield f"<tr><td>{title}</td><td>{escape(clean_text(text))}</td></tr>"
    yield "</table>"
    if first != rows:
        count = sum(len(each.changes) for each in shown)
        yield f"<details><summary>All {pluralize(count, 'change')}</summary>"
        for paragraph, lines in zip(shown, rows, strict=True):
            yield from _paragraph(paragraph, lines)
        yield "</details>"


def _paragraph(paragraph: Paragraph, rows: Sequence[str]) -> Iterator[str]:
    count = f"{paragraph.count} changed" if paragraph.count > 1 else paragraph.state
    state = " ".join(filter(None, (count, paragraph.how)))
    kind = ' class="security"' if paragraph.title == "security" else ""
    title = escape(capitalize_first(paragraph.title))
    yield f'<section{kind}><h3>{title} <span class="state">{escape(state)}</span></h3>'
    if paragraph.reason:
        yield f'<div class="reason">{escape(clean_text(paragraph.reason))}</div>'
    yield f"<table>{''.join(rows)}</table></section>"


def _rows(paragraph: Paragraph) -> list[str]:
    """Return a row for each change."""
    return [
        f"<tr><td>{escape(clean_text(change.name))}</td><td>{escape(values_of(change))}</td>"
        f'<td class="detail">{escape(clean_text(change.detail))}</td></tr>'
        for change in paragraph.changes
    ]


def _more(count: int) -> str:
    return f'<tr><td class="detail">and {count} more</td><td></td><td></td></tr>'
