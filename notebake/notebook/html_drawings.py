"""What the HTML of one output draws, read in time that grows as its length does.

The patterns hold what they took (`*+`) and pass no opening twice: what never ends is looked
through once, not from each of its beginnings.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from html import unescape

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

REST = r"""(?P<rest>(?:[^>"']++|"[^"]*+"|'[^']*+')*+)"""
"""What follows a tag's name, up to its end; a quotation may hold a `>`."""
TAG = re.compile(
    r"<(?P<name>!--|/?(?:table|button)|svg|img|video|source|canvas|iframe)(?=[\s/>-])" + REST,
    re.IGNORECASE,
)
SCRIPT = re.compile(r"<script(?=[\s/>])[^>]*+>?", re.IGNORECASE)
SCRIPT_END = re.compile(r"</script\s*+>", re.IGNORECASE)
ELEMENT_ENDS = {"!--": re.compile("-->"), "svg": re.compile("</svg", re.IGNORECASE)}
ATTRIBUTE = re.compile(
    r"""([^\s"'<>/=]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE
)
SHAPE = re.compile(r"<(?:path|circle|ellipse|rect|line|polyline|polygon|text|image)\b", re.I)
SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(px|pt|em|rem)?\s*$")
STYLE_SIZE = re.compile(r"\b(?:width|height)\s*:([^;]{1,20})")
HIDDEN = re.compile(r"\bdisplay\s*+:\s*+none\b", re.IGNORECASE)
ICON_PIXELS, PIXELS_PER_EM = 24, 12
ICON_CHARACTERS = 4096
"""A plot as PNG in base64 is longer; the pictures that stand in the rows of a table are not."""


def drawings_in(html: str) -> Iterator[Drawing]:
    """Yield what HTML draws, known libraries first."""
    outside, scripts = split_scripts(html)
    if is_banner(outside):
        return
    for text, drawing in MARKUP_SIGNS.items():
        if text in outside:
            yield drawing
            break
    yield from (
        drawing for text, drawing in SCRIPT_CALLS.items() if any(text in one for one in scripts)
    )
    if any(has_plot(script) for script in scripts if "docs_json" in script):
        yield interactive("bokeh")
    yield from _drawings_by_tag(outside, has_script=bool(scripts))


def split_scripts(html: str) -> tuple[str, list[str]]:
    """Return what stands outside the scripts, and what stands in each."""
    outside, scripts, at = [], [], 0
    while start := SCRIPT.search(html, at):
        outside.append(html[at : start.start()])
        at = start.end()
        if start[0].endswith("/>"):  # as in the SVG of pygal
            scripts.append("")
            continue
        end = SCRIPT_END.search(html, at)
        scripts.append(html[at : end.start() if end else len(html)])
        at = end.end() if end else len(html)
    return " ".join((*outside, html[at:])), scripts


def attributes_of(rest: str) -> dict[str, str]:
    """Return the attributes that have a value, from what follows a tag's name."""
    return {
        match[1].lower(): unescape(match[2] or match[3] or match[4] or "")
        for match in ATTRIBUTE.finditer(rest)
    }


def is_icon(attributes: dict[str, str]) -> bool:
    """Whether something is stated to be as small as the signs beside a text, or not to be seen."""
    style = attributes.get("style", "")
    stated = [attributes.get("width", ""), attributes.get("height", ""), *STYLE_SIZE.findall(style)]
    sizes = [
        float(size[1]) * (PIXELS_PER_EM if (size[2] or "").endswith("em") else 1)
        for size in map(SIZE.match, stated)
        if size
    ]
    marked = "icon" in attributes.get("class", "").lower() or "aria-hidden" in attributes
    marked = marked or HIDDEN.search(style) is not None
    return marked or bool(sizes and min(sizes) <= ICON_PIXELS and max(sizes) <= 2 * ICON_PIXELS)


def _drawings_by_tag(html: str, *, has_script: bool) -> Iterator[Drawing]:
    """Yield what the tags outside scripts draw."""
    at, tables = 0, 0
    while tag := TAG.search(html, at):
        at, name, inside = tag.end(), tag["name"].lower(), ""
        if name in ELEMENT_ENDS:  # what never ends holds all the rest
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
    """Yield what an <img> shows."""
    source = attributes.get("src", "").strip()
    if source.lower().startswith("data:image/"):
        if in_table and len(source) < ICON_CHARACTERS:
            yield ICON
        elif not is_icon(attributes):
            yield PICTURE
    elif source:
        yield EXTERNAL_PICTURE


def _video(attributes: dict[str, str]) -> Iterator[Drawing]:
    """Yield what a <video> or its <source> shows; the sound of an <audio> is no drawing."""
    source, kind = attributes.get("src", "").strip(), attributes.get("type", "video/")
    if source.lower().startswith("data:"):
        yield from (PICTURE,) if source.lower().startswith("data:video/") else ()
    elif source and kind.startswith("video/"):
        yield EXTERNAL_VIDEO


def _frame(attributes: dict[str, str]) -> Iterator[Drawing]:
    """Yield what an <iframe> shows, if it holds its page, as folium's and pydeck's do.

    plotly's renderer `iframe` writes the page beside the notebook (plotly/io/_base_renderers.py).
    """
    source = attributes.get("src", "").strip()
    page = attributes.get("srcdoc") or attributes.get("data-html") or _page_in_address(source)
    if page is None:
        plotly = source.startswith("iframe_figures/")
        yield interactive("plotly") if plotly else EXTERNAL_PAGE
    elif "data-html" in attributes:
        yield MAP  # folium 0.10 to 0.12.0: encoded in several ways
    else:
        outside, scripts = split_scripts(page)
        known = (INLINE_PAGES[word] for word in INLINE_PAGES if word in page)
        drawn = any(tag["name"][0].isalpha() for tag in TAG.finditer(outside) if _draws(tag))
        yield from (next(known, interactive("a page in a frame")),) if scripts or drawn else ()


def _draws(tag: re.Match[str]) -> bool:
    """Whether a tag in a frame's own page is one of a drawing."""
    return tag["name"].lower() in ("svg", "canvas", "video", "img")


def _page_in_address(address: str) -> str | None:
    """Return the page that an address of the kind `data:text/html` holds."""
    head, _, encoded = address.partition(",")
    if not head.startswith("data:text/html"):
        return None
    try:
        return base64.b64decode(encoded).decode(errors="replace") if "base64" in head else encoded
    except binascii.Error:
        return ""


BY_ATTRIBUTES = {"video": _video, "source": _video, "iframe": _frame}
