"""Finds what the HTML of an output draws."""

import base64
import binascii
import re
from collections.abc import Iterator

from notebake.notebook.drawing_libraries import (
    EXTERNAL_PAGE,
    EXTERNAL_PICTURE,
    EXTERNAL_VIDEO,
    ICON,
    INLINE_PAGES,
    MAP,
    MARKUP_SIGNS,
    PICTURE,
    SCRIPT_CALLS,
    Drawing,
    has_plot,
    interactive,
    is_banner,
)
from notebake.notebook.html_reader import REST_OF_TAG, attributes_of, is_icon, split_scripts

TAG = re.compile(
    r"<(?P<name>!--|/?(?:table|button)|svg|img|video|source|canvas|iframe)(?=[\s/>-])"
    + REST_OF_TAG,
    re.IGNORECASE,
)
ELEMENT_ENDS = {"!--": re.compile("-->"), "svg": re.compile("</svg", re.IGNORECASE)}
SHAPE = re.compile(r"<(?:path|circle|ellipse|rect|line|polyline|polygon|text|image)\b", re.I)
ICON_CHARACTERS = 4096
"""A plot as PNG in base64 is longer than this, a picture in a row of a table is shorter."""


def drawings_in(html: str) -> Iterator[Drawing]:
    """Yield what HTML draws, known libraries first."""
    outside, scripts = split_scripts(html)
    if is_banner(outside):
        return
    for text, drawing in MARKUP_SIGNS.items():
        if text in outside:
            yield drawing
            break
    for text, drawing in SCRIPT_CALLS.items():
        if any(text in script for script in scripts):
            yield drawing
    if any(has_plot(script) for script in scripts if "docs_json" in script):
        yield interactive("bokeh")
    yield from _drawings_by_tag(outside, has_script=bool(scripts))


def _drawings_by_tag(html: str, *, has_script: bool) -> Iterator[Drawing]:
    """Yield what the elements outside scripts draw."""
    at, tables = 0, 0
    while tag := TAG.search(html, at):
        at, name, inside = tag.end(), tag["name"].lower(), ""
        if name in ELEMENT_ENDS:  # an unclosed element extends to the end
            end = ELEMENT_ENDS[name].search(html, at)
            inside = html[at : end.start() if end else len(html)]
            at = end.end() if end else len(html)
        tables = max(0, tables + {"table": 1, "/table": -1}.get(name, 0))
        if name == "svg" and not tables and SHAPE.search(inside.rpartition("</symbol>")[2]):
            yield from () if is_icon(attributes_of(tag["rest"])) else (PICTURE,)
        elif name in BY_ATTRIBUTES:
            yield from BY_ATTRIBUTES[name](attributes_of(tag["rest"]))
        elif name == "img":
            yield from _picture(attributes_of(tag["rest"]), in_table=tables > 0)
        elif name == "canvas" and has_script:
            yield interactive("canvas")


def _picture(attributes: dict[str, str], *, in_table: bool) -> Iterator[Drawing]:
    source = attributes.get("src", "").strip()
    if source.lower().startswith("data:image/"):
        if in_table and len(source) < ICON_CHARACTERS:
            yield ICON
        elif not is_icon(attributes):
            yield PICTURE
    elif source:
        yield EXTERNAL_PICTURE


def _video(attributes: dict[str, str]) -> Iterator[Drawing]:
    """Yield what a <video> or its <source> shows; the <source> of an <audio> is not a drawing."""
    source, kind = attributes.get("src", "").strip(), attributes.get("type", "video/")
    if source.lower().startswith("data:"):
        yield from (PICTURE,) if source.lower().startswith("data:video/") else ()
    elif source and kind.startswith("video/"):
        yield EXTERNAL_VIDEO


def _frame(attributes: dict[str, str]) -> Iterator[Drawing]:
    """Yield what an <iframe> draws if it contains its page, as those of folium and pydeck do.

    plotly's renderer `iframe` writes the page beside the notebook (plotly/io/_base_renderers.py).
    """
    source = attributes.get("src", "").strip()
    page = attributes.get("srcdoc") or attributes.get("data-html") or _page_in_url(source)
    if page is None:
        plotly = source.startswith("iframe_figures/")
        yield interactive("plotly") if plotly else EXTERNAL_PAGE
    elif "data-html" in attributes:
        yield MAP  # folium 0.10 to 0.12.0, which encodes the page in several ways
    else:
        outside, scripts = split_scripts(page)
        known = (INLINE_PAGES[word] for word in INLINE_PAGES if word in page)
        drawn = any(_draws(tag) for tag in TAG.finditer(outside))
        yield from (next(known, interactive("a page in a frame")),) if scripts or drawn else ()


def _draws(tag: re.Match[str]) -> bool:
    return tag["name"].lower() in ("svg", "canvas", "video", "img")


def _page_in_url(url: str) -> str | None:
    head, _, encoded = url.partition(",")
    if not head.startswith("data:text/html"):
        return None
    try:
        return base64.b64decode(encoded).decode(errors="replace") if "base64" in head else encoded
    except binascii.Error:
        return ""


BY_ATTRIBUTES = {"video": _video, "source": _video, "iframe": _frame}
