"""Replaces outputs that only scripts can show by static ones, for a page without scripts."""

import base64
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from notebake.notebook.drawing_libraries import ANIMATION, TABLE, Drawing, is_banner
from notebake.notebook.figures import (
    HOLOVIEWS,
    WIDGET,
    data_of,
    drawings,
    is_loader,
    is_progress,
    text_in,
)
from notebake.notebook.html_drawings import drawings_in
from notebake.notebook.html_reader import split_scripts, visible_text

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
STATIC_TYPES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
SHOWN_TYPES = {*STATIC_TYPES, "text/html", "text/plain", "text/markdown", "text/latex"}
# matplotlib/_animation_data.py: a picture in base64, with a `\` before each end of a line.
FIRST_FRAME = re.compile(r'frames\[0\]\s*+=\s*+"(data:image/[a-z+]++;base64,[A-Za-z0-9+/=\\\s]++)"')
LITTLE_TEXT = 200
"""HTML with more text than this beside its figure is shown, without its scripts."""


def static_outputs(outputs: list[Any], widgets: dict[str, Any]) -> Iterator[Any]:
    """Yield the outputs of a cell as the page shows them; `widgets` are the models by id."""
    for output in outputs:
        if output.get("output_type") in ("display_data", "execute_result"):
            yield from _replacement(output, widgets, frozenset())
        else:
            yield output


def widget_models(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the widget models saved in a notebook, by id; {} if there are none."""
    state: Any = notebook
    for name in ("metadata", "widgets", WIDGET_STATE, "state"):
        state = state.get(name) if isinstance(state, dict) else None
    return state if isinstance(state, dict) else {}


def _replacement(output: Any, widgets: dict[str, Any], parents: frozenset[str]) -> Iterator[Any]:
    """Yield an output as it is, or a static picture and a note, or nothing."""
    data = data_of(output)
    output.setdefault("metadata", type(output)())  # nbconvert requires it, some writers omit it
    if output.get("output_type") == "execute_result":
        output.setdefault("execution_count", None)
    if not data or is_loader(data) or is_progress(data) or is_banner(text_in(data, "text/html")):
        return
    dynamic = next((drawing for drawing in drawings(output) if not drawing.is_static), None)
    if dynamic is None and SHOWN_TYPES.isdisjoint(data):
        kind = next(iter(data))
        dynamic = Drawing(f"An output of the type {kind}", is_figure=False, is_static=False)
        dynamic = None if kind == HOLOVIEWS else dynamic
    if dynamic is None:
        yield output
        return
    if WIDGET in data:
        yield from _widget_outputs(data[WIDGET], widgets, parents)
    html = _static_part(data, dynamic) + _note(dynamic, data)
    output["data"], output["metadata"] = type(output)({"text/html": html}), type(output)()
    yield output


def _static_part(data: dict[str, Any], dynamic: Drawing) -> str:
    """Return HTML with the static part of an output."""
    for kind in STATIC_TYPES:
        if picture := text_in(data, kind):
            is_svg = kind == "image/svg+xml"
            encoded = _encoded(picture) if is_svg else picture
            return _picture(f"data:{kind};base64,{encoded}", dynamic)
    html = text_in(data, "text/html")
    if dynamic == ANIMATION:
        frame = FIRST_FRAME.search(html)
        return _picture(frame[1].replace("\\", ""), dynamic) if frame else ""
    outside, _ = split_scripts(html)
    has_static = any(drawing.is_static for drawing in drawings_in(html))
    has_table = dynamic != TABLE and "<table" in outside.lower()
    has_text = len(visible_text(outside)) > LITTLE_TEXT
    return outside if has_static or has_table or has_text else ""


def _picture(source: str, dynamic: Drawing) -> str:
    text = escape(f"{dynamic.title}, as a static picture")
    return f'<img src="{escape("".join(source.split()))}" alt="{text}">'


def _encoded(svg: str) -> str:
    return base64.b64encode(svg.encode(errors="replace")).decode()


def _note(dynamic: Drawing, data: dict[str, Any]) -> str:
    """Return a line about the drawing that the page cannot show, and where to see it."""
    first = FIRST_FRAME.search(text_in(data, "text/html")) if dynamic == ANIMATION else None
    frame = ", here its first frame" if first else ""
    has_picture = any(data.get(kind) for kind in STATIC_TYPES)
    picture = ", here as a static picture" if has_picture else frame
    line = escape(f"{dynamic.title}{picture}: open executed.ipynb in JupyterLab")
    return f'<p class="page-note">{line}</p>'


def _widget_outputs(
    view: Any, widgets: dict[str, Any], parents: frozenset[str]
) -> Iterator[dict[str, Any]]:
    """Yield the outputs that a widget and its children hold, such as those of interact()."""
    name = view.get("model_id") if isinstance(view, dict) else None
    model = widgets.get(name) if isinstance(name, str) and name not in parents else None
    state = model.get("state") if isinstance(model, dict) else None
    if not isinstance(state, dict) or not isinstance(name, str):
        return
    for output in state.get("outputs") or ():
        if isinstance(output, dict) and output.get("output_type") == "stream":
            yield output
        elif isinstance(output, dict):
            yield from _replacement(output, widgets, parents | {name})
    for child in state.get("children") or ():
        view = {"model_id": str(child).removeprefix("IPY_MODEL_")}
        yield from _widget_outputs(view, widgets, parents | {name})
