"""An executed notebook as one HTML page that loads nothing and runs nothing."""

import json
import logging
import re
import threading
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from notebake.notebook.html_template import CONTENT_POLICY, STYLE, TEMPLATE
from notebake.notebook.static_html import with_alternative_texts, without_active_content
from notebake.notebook.static_outputs import static_outputs, widget_models

if TYPE_CHECKING:
    from nbconvert.exporters import HTMLExporter

log = logging.getLogger(__name__)

SURROGATE = re.compile(r"[\ud800-\udfff]")
"""A lone surrogate, as `\\udce9` in a notebook's file, which UTF-8 cannot encode."""
SHOWN_CHARACTERS = 100_000
"""How much of a file is shown that is not a notebook."""
PIECE_CHARACTERS = 4096
COLOUR = re.compile(r"\x1b\[([0-9;]*)m")
RESETS = {"", "0"}
KEPT_COLOURS = 32
"""How many colour codes since the last reset a piece passes on to the next: the latest ones."""


def preload_renderer() -> None:
    """Import the renderer in the background, so that the first page need not wait for it."""
    empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    threading.Thread(target=render_html, args=(json.dumps(empty), ""), daemon=True).start()


def render_html(executed: str, title: str) -> str:
    """Return an executed notebook as one page with its figures, which UTF-8 can encode.

    The page loads nothing and runs no script: external pictures are named, a note or a static
    picture replaces a figure that only a script can draw, and formulas stay LaTeX source. A file
    that is not a notebook is shown as plain text.
    """
    try:
        page = _render_notebook(executed, title)
    except Exception as error:  # noqa: BLE001  # a page must not end a run
        log.warning(
            "Rendering the notebook of %s failed, it is shown as plain text: %s", title, error
        )
        page = _render_text(executed, title)
    return printable(page)


def printable(text: str) -> str:
    """Return a text that UTF-8 can encode."""
    return SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def _render_text(text: str, title: str) -> str:
    rest = len(text) - SHOWN_CHARACTERS
    more = f"\n… and {rest} more characters" if rest > 0 else ""
    return (
        "<!DOCTYPE html>\n<html><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>"
        "<main><p>This file cannot be shown as a notebook:</p>"
        f"<pre>{escape(text[:SHOWN_CHARACTERS] + more)}</pre></main></body></html>\n"
    )


def _render_notebook(executed: str, title: str) -> str:
    """Return the page of a notebook; raises nbconvert's own errors for other files."""
    # Imported here, as it takes half a second and most callers need no page.
    import nbformat
    from nbconvert.exporters.templateexporter import TemplateExporter

    written = json.loads(executed)
    widgets = widget_models(written)
    notebook = nbformat.reads(json.dumps(_without_widgets(written)), as_version=4)
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = list(static_outputs(cell.outputs, widgets))
    resources = {
        "metadata": {"name": title},
        "content_policy": escape(CONTENT_POLICY, quote=False),
        "page_style": STYLE,
        "page_title": escape(title),
    }
    exporter = _exporter(notebook.metadata.get("language_info", {}))
    # HTMLExporter's own method would parse and write the whole page again for the alternative
    # texts, and take a hundred times its size in memory (nbconvert 7.17, exporters/html.py).
    page, _ = TemplateExporter.from_notebook_node(exporter, notebook, resources=resources)
    head, start, body = str(page).partition("<main>")
    return head + start + with_alternative_texts(without_active_content(body))


def _exporter(language: dict[str, str]) -> "HTMLExporter":
    """Return nbconvert's exporter with our template and filters."""
    from jinja2 import DictLoader
    from nbconvert.exporters import HTMLExporter
    from nbconvert.filters.highlight import Highlight2HTML
    from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
    from traitlets.config import Config

    exporter = HTMLExporter(
        template_file="page",
        extra_loaders=[DictLoader({"page": TEMPLATE})],
        config=Config(HTMLExporter={"embed_images": False}),
    )
    lexer = language.get("pygments_lexer", language.get("name"))
    exporter.register_filter("highlight_code", Highlight2HTML(lexer, parent=exporter))
    exporter.register_filter("filter_data_type", WidgetsDataTypeFilter({}, parent=exporter))
    exporter.register_filter("ansi2html", ansi_to_html)
    return exporter


def _without_widgets(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook without the state of its widgets, which only a script can show."""
    metadata = {
        name: value
        for name, value in notebook.get("metadata", {}).items()
        if name not in ("widgets", "title")
    }
    return notebook | {"metadata": metadata}


def ansi_to_html(text: object) -> str:
    """Return a text, escaped, with its colours as <span> elements.

    It is converted in pieces: nbconvert's own filter copies the rest of the text at every change of
    colour (7.17, filters/ansi.py), and would take an hour for 20 MB of coloured output.
    """
    from nbconvert.filters import ansi2html

    return "".join(ansi2html(piece) for piece in _pieces(str(text)))


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces that end before a colour code and begin with the active ones."""
    active: list[str] = []
    begin = 0
    while begin < len(text):
        end = text.find("\x1b", begin + PIECE_CHARACTERS)
        piece = text[begin : end if end > 0 else len(text)]
        yield "".join(active) + piece
        for code in COLOUR.finditer(piece):
            active = [] if code[1] in RESETS else [*active[-KEPT_COLOURS:], code[0]]
        begin += len(piece)
