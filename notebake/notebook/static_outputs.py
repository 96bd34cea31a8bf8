"""What stands on a page, where nothing runs, in the place of outputs that only scripts can show."""

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
from notebake.notebook.html_drawings import drawings_in, split_scripts

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
STILL_TYPES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
SHOWN_TYPES = {*STILL_TYPES, "text/html", "text/plain", "text/markdown", "text/latex"}
# matplotlib/_animation_data.py: a picture in base64, with a `\` before each end of a line.
FIRST_FRAME = re.compile(r'frames\[0\]\s*+=\s*+"(data:image/[a-z+]++;base64,[A-Za-z0-9+/=\\\s]++)"')
STYLE = re.compile(r"<style\b[^>]*+>[^<]*+", re.IGNORECASE)
SOME_TAG = re.compile(r"<[^<>]*+>?")
LITTLE_TEXT = 200
"""A page that says more than this beside its figure is kept, without its scripts."""


def static_outputs(outputs: list[Any], widgets: dict[str, Any]) -> Iterator[Any]:
    """Yield what the page shows of a cell's outputs; `widgets` are the models by their ids."""
    for output in outputs:
        if output.get("output_type") in ("display_data", "execute_result"):
            yield from _stand_in(output, widgets, frozenset())
        else:
            yield output


def widget_models(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the widgets that a notebook keeps, by their ids; nothing where that is odd."""
    state: Any = notebook
    for name in ("metadata", "widgets", WIDGET_STATE, "state"):
        state = state.get(name) if isinstance(state, dict) else None
    return state if isinstance(state, dict) else {}


def _stand_in(output: Any, widgets: dict[str, Any], above: frozenset[str]) -> Iterator[Any]:
    """Yield an output as it can be seen: itself, a still picture and a line, or nothing."""
    content = data_of(output)
    output.setdefault("metadata", type(output)())  # other writers leave out what nbconvert wants
    if output.get("output_type") == "execute_result":
        output.setdefault("execution_count", None)
    html = text_in(content, "text/html")
    if not content or is_loader(content) or is_progress(content) or is_banner(html):
        return
    drawn = list(drawings(output))
    hidden = next((drawing for drawing in drawn if not drawing.is_still), None)
    if hidden is None and SHOWN_TYPES.isdisjoint(content):
        kind = next(iter(content))
        hidden = Drawing(f"An output of the type {kind}", counts=False, is_still=False)
        hidden = None if kind == HOLOVIEWS else hidden
    if hidden is None:
        yield output
        return
    if WIDGET in content:
        yield from _inside_widget(content[WIDGET], widgets, above)
    output["data"] = type(output)({"text/html": _still(content, hidden) + _note(hidden, content)})
    output["metadata"] = type(output)()
    yield output


def _still(content: dict[str, Any], hidden: Drawing) -> str:
    """Return HTML with what an output holds beside what only a script can show."""
    for kind in STILL_TYPES:
        if picture := text_in(content, kind):
            svg = kind == "image/svg+xml"
            return _picture(f"data:{kind};base64,{_encoded(picture) if svg else picture}", hidden)
    html = text_in(content, "text/html")
    if hidden == ANIMATION:
        frame = FIRST_FRAME.search(html)
        return _picture(frame[1].replace("\\", ""), hidden) if frame else ""
    outside, _ = split_scripts(html)
    words = " ".join(SOME_TAG.sub(" ", STYLE.sub(" ", outside)).split())
    kept = any(drawing.is_still for drawing in drawings_in(html))
    kept = kept or (hidden != TABLE and "<table" in outside.lower())
    return outside if kept or len(words) > LITTLE_TEXT else ""


def _picture(source: str, hidden: Drawing) -> str:
    """Return the tag of a still picture."""
    words = escape(f"{hidden.title}, as a still picture")
    return f'<img src="{escape("".join(source.split()))}" alt="{words}">'


def _encoded(svg: str) -> str:
    """Return a text in base64, as an address within the page needs it."""
    return base64.b64encode(svg.encode(errors="replace")).decode()


def _note(hidden: Drawing, content: dict[str, Any]) -> str:
    """Return the line that says what is not seen here, and where it is."""
    first = FIRST_FRAME.search(text_in(content, "text/html")) if hidden == ANIMATION else None
    frame = ", here its first frame" if first else ""
    still = any(content.get(kind) for kind in STILL_TYPES)
    picture = ", here as a still picture" if still else frame
    line = escape(f"{hidden.title}{picture}: open executed.ipynb in JupyterLab")
    return f'<p class="page-note">{line}</p>'


def _inside_widget(
    view: Any, widgets: dict[str, Any], above: frozenset[str]
) -> Iterator[dict[str, Any]]:
    """Yield what a widget and those within it hold: the outputs of interact(), pictures."""
    name = view.get("model_id") if isinstance(view, dict) else None
    model = widgets.get(name) if isinstance(name, str) and name not in above else None
    state = model.get("state") if isinstance(model, dict) else None
    if not isinstance(state, dict) or not isinstance(name, str):
        return
    for output in state.get("outputs") or ():
        if isinstance(output, dict) and output.get("output_type") == "stream":
            yield output
        elif isinstance(output, dict):
            yield from _stand_in(output, widgets, above | {name})
    for child in state.get("children") or ():
        view = {"model_id": str(child).removeprefix("IPY_MODEL_")}
        yield from _inside_widget(view, widgets, above | {name})
