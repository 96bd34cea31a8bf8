"""Which outputs of a notebook are figures, and which drew something that is none."""

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
    (re.compile(r"text/vnd\.mermaid$"), Drawing("A diagram (mermaid)", counts=True, is_still=True)),
    (
        re.compile(r"application/pdf$"),
        Drawing("A figure as PDF", counts=True, is_still=False),
    ),
)
NBAGG = Drawing(
    "A figure of `%matplotlib notebook`, which keeps no picture", counts=False, is_still=False
)
SCRIPT = Drawing("What a script would show", counts=False, is_still=False)
# The widgets that draw, by what they print of themselves: seen of plotly 6, ipympl 0.10, ipyleaflet
# 0.20, lonboard 0.13 and altair 6; the others' classes are named as in their documentation.
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
LISTED = 3


def is_figure(output: dict[str, Any]) -> bool:
    """Whether an output holds a figure, a still one or one that a script draws."""
    return any(drawing.counts for drawing in drawings(output))


def describe_uncounted(output: dict[str, Any]) -> str | None:
    """Return what an output drew that is no figure, such as "a widget (IntSlider)"."""
    drawn = tuple(drawings(output))
    if not drawn or any(drawing.counts for drawing in drawn):
        return None
    return drawn[0].title[:1].lower() + drawn[0].title[1:]


def format_uncounted(outputs: Iterable[dict[str, Any]]) -> str:
    """Return the end of a sentence that names what was drawn but not counted; "" if nothing."""
    kinds = [kind for output in outputs if (kind := describe_uncounted(output))]
    told = list(dict.fromkeys(kinds))
    if not told:
        return ""
    more = f" and {len(told) - LISTED} more kinds" if len(told) > LISTED else ""
    return (
        f"; drawn but not counted: {', '.join(told[:LISTED])}{more}"
        " (where that is enough, `minimum_figures: 0` asks for no figure)"
    )


def drawings(output: dict[str, Any]) -> Iterator[Drawing]:
    """Yield all that an output draws."""
    content = data_of(output)
    text, html = text_in(content, "text/plain"), text_in(content, "text/html")
    # A formula of sympy is a picture with its LaTeX beside it (sympy/interactive/printing.py).
    if "text/latex" not in content:
        yield from (PICTURE for kind in content if kind.startswith("image/") and content[kind])
    for pattern, drawing in BY_TYPE:
        yield from (drawing for kind in content if pattern.match(kind) and content[kind])
    if WIDGET in content and not is_progress(content):
        yield _widget(text)
    if BOKEH in content:
        shown = has_plot(text_in(content, "application/javascript"))
        yield interactive("bokeh") if shown else _as_widget("bokeh")
    elif HOLOVIEWS in content:
        if has_plot(html):
            yield interactive("holoviews")
        elif text:
            yield _as_widget("panel")
    elif "application/javascript" in content and not is_loader(content):
        script = text_in(content, "application/javascript")
        yield NBAGG if "window.mpl = {}" in script else SCRIPT
    if HOLOVIEWS not in content:
        yield from drawings_in(html)
    if markdown := text_in(content, "text/markdown"):
        yield from (PICTURE,) * ("](data:image/" in markdown)
        yield from drawings_in(markdown)


def data_of(output: dict[str, Any]) -> dict[str, Any]:
    """Return what an output holds, by type; nothing where that is not in its place."""
    content = output.get("data")
    return content if isinstance(content, dict) else {}


def text_in(content: dict[str, Any], kind: str) -> str:
    """Return a text, which may be a list of its lines; "" where there is none."""
    text = content.get(kind, "")
    lines = text if isinstance(text, list) else [text]
    return "".join(line for line in lines if isinstance(line, str))


def is_loader(content: dict[str, Any]) -> bool:
    """Whether an output only fetches what will draw: bokeh's, holoviews' and panel's first one."""
    return any(kind.endswith(("_load.v0+json", "_loadmodel.v0+json")) for kind in content)


def is_progress(content: dict[str, Any]) -> bool:
    """Whether an output is a progress bar (tqdm.notebook; tqdm before 4.60 shows its boxes)."""
    return WIDGET in content and PROGRESS.match(text_in(content, "text/plain")) is not None


def _widget(text: str) -> Drawing:
    """Return what a widget is, by what it prints of itself."""
    if drawn := DRAWING_WIDGET.search(text):
        name = drawn[1] or drawn[2]
        return interactive(LIBRARY.get(name, f"the widget {name}"))
    name = WIDGET_NAME.match(text)
    return _as_widget(name[1] if name else "ipywidgets")


def _as_widget(name: str) -> Drawing:
    """Return a widget that is no figure."""
    return Drawing(f"A widget ({name})", counts=False, is_still=False)
