"""Decides which outputs of a notebook are figures, and which draw something else."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from notebake.notebook.drawing_libraries import PICTURE, Drawing, has_plot, interactive
from notebake.notebook.html_drawings import drawings_in

WIDGET = "application/vnd.jupyter.widget-view+json"
BOKEH = "application/vnd.bokehjs_exec.v0+json"
HOLOVIEWS = "application/vnd.holoviews_exec.v0+json"
# altair 6.0 writes `v6.json`, without the `+` (altair/vegalite/v6/display.py).
BY_TYPE: tuple[tuple[re.Pattern[str], Drawing], ...] = (
    (re.compile(r"application/vnd\.plotly\.v\d+\+json$"), interactive("plotly")),
    (re.compile(r"application/vnd\.vega(lite)?\.v[\d.]+[+.]json$"), interactive("altair")),
    (re.compile(r"application/geo\+json$"), interactive("GeoJSON", "map")),
    (
        re.compile(r"text/vnd\.mermaid$"),
        Drawing("A diagram (mermaid)", is_figure=True, is_static=True),
    ),
    (re.compile(r"application/pdf$"), Drawing("A figure as PDF", is_figure=True, is_static=False)),
)
NBAGG = Drawing(
    "A figure of `%matplotlib notebook`, which keeps no picture", is_figure=False, is_static=False
)
SCRIPT = Drawing("The output of a script", is_figure=False, is_static=False)
# Widgets that draw, by their text/plain: observed with plotly 6, ipympl 0.10, ipyleaflet 0.20,
# lonboard 0.13 and altair 6; the others' classes are from their documentation.
DRAWING_WIDGET = re.compile(
    r"(?:\b(FigureWidget|FigureCanvas|Canvas|MultiCanvas|Map|JupyterChart|Figure|BokehModel|Plot"
    r"|NGLWidget|Scene|Viewer|DeckGLWidget|Deck|Renderer|VegaWidget|Volume)\("
    r"|<[\w.]*\.(JupyterChart|Map|MultiCanvas|KeplerGl|Viewer|Widget3D)\s(?:object)?)"
)
LIBRARY = {
    "FigureWidget": "plotly",
    "Canvas": "ipympl",
    "JupyterChart": "altair",
    "BokehModel": "bokeh",
}
WIDGET_NAME = re.compile(r"\s*<?(?:[\w.]*\.)?(\w+)[( ]")
PROGRESS = re.compile(
    r"\s*(?:[^|\n]{0,200}\d+%\||(?:HBox\(children=\(.{0,200}?)?(?:Int|Float)Progress\()"
)
MOST_LISTED = 3


def is_figure(output: dict[str, Any]) -> bool:
    """Return whether an output contains a figure, static or drawn by a script."""
    return any(drawing.is_figure for drawing in drawings(output))


def describe_uncounted(output: dict[str, Any]) -> str | None:
    """Return what an output without figures draws, such as "a widget (IntSlider)"."""
    drawn = tuple(drawings(output))
    if not drawn or any(drawing.is_figure for drawing in drawn):
        return None
    return drawn[0].title[:1].lower() + drawn[0].title[1:]


def format_uncounted(outputs: Iterable[dict[str, Any]]) -> str:
    """Return the end of a sentence that lists drawings that are not figures; may be ""."""
    kinds = list(dict.fromkeys(kind for output in outputs if (kind := describe_uncounted(output))))
    if not kinds:
        return ""
    more = f" and {len(kinds) - MOST_LISTED} more kinds" if len(kinds) > MOST_LISTED else ""
    return (
        f"; drawn but not counted: {', '.join(kinds[:MOST_LISTED])}{more}"
        " (if that is enough, set `minimum_figures: 0`)"
    )


def drawings(output: dict[str, Any]) -> Iterator[Drawing]:
    """Yield all drawings in an output."""
    data = data_of(output)
    text, html = text_in(data, "text/plain"), text_in(data, "text/html")
    # sympy shows a formula as a picture with its LaTeX beside it (sympy/interactive/printing.py).
    if "text/latex" not in data:
        yield from (PICTURE for kind in data if kind.startswith("image/") and data[kind])
    for pattern, drawing in BY_TYPE:
        yield from (drawing for kind in data if pattern.match(kind) and data[kind])
    if WIDGET in data and not is_progress(data):
        yield _widget(text)
    if BOKEH in data:
        shown = has_plot(text_in(data, "application/javascript"))
        yield interactive("bokeh") if shown else _plain_widget("bokeh")
    elif HOLOVIEWS in data:
        if has_plot(html):
            yield interactive("holoviews")
        elif text:
            yield _plain_widget("panel")
    elif "application/javascript" in data and not is_loader(data):
        script = text_in(data, "application/javascript")
        yield NBAGG if "window.mpl = {}" in script else SCRIPT
    if HOLOVIEWS not in data:
        yield from drawings_in(html)
    if markdown := text_in(data, "text/markdown"):
        yield from (PICTURE,) * ("](data:image/" in markdown)
        yield from drawings_in(markdown)


def data_of(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output's data by MIME type; {} if it has none, or is malformed."""
    data = output.get("data")
    return data if isinstance(data, dict) else {}


def text_in(data: dict[str, Any], kind: str) -> str:
    """Return the text of a MIME type, which may be stored as a list of lines; "" if missing."""
    text = data.get(kind, "")
    lines = text if isinstance(text, list) else [text]
    return "".join(line for line in lines if isinstance(line, str))


def is_loader(data: dict[str, Any]) -> bool:
    """Return whether an output only loads a library (bokeh, holoviews, panel)."""
    return any(kind.endswith(("_load.v0+json", "_loadmodel.v0+json")) for kind in data)


def is_progress(data: dict[str, Any]) -> bool:
    """Return whether an output is a progress bar (tqdm.notebook, also before 4.60)."""
    return WIDGET in data and PROGRESS.match(text_in(data, "text/plain")) is not None


def _widget(text: str) -> Drawing:
    if drawn := DRAWING_WIDGET.search(text):
        name = drawn[1] or drawn[2]
        return interactive(LIBRARY.get(name, f"the widget {name}"))
    name = WIDGET_NAME.match(text)
    return _plain_widget(name[1] if name else "ipywidgets")


def _plain_widget(name: str) -> Drawing:
    return Drawing(f"A widget ({name})", is_figure=False, is_static=False)
