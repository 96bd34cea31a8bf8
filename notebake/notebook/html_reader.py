"""Reads HTML in time that grows linearly with its length.

Python's own parser takes quadratic time for tags that never end. The patterns are possessive (`*+`)
and each search continues after the last match, so that an unclosed tag is read through once only.
"""

import re
from html import unescape

REST_OF_TAG = r"""(?P<rest>(?:[^>"']++|"[^"]*+"|'[^']*+')*+)"""
"""Matches from a tag's name to its end; a quoted attribute may contain `>`."""
ATTRIBUTE = re.compile(
    r"""([^\s"'<>/=]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE
)
SCRIPT = re.compile(r"<script(?=[\s/>])[^>]*+>?", re.IGNORECASE)
SCRIPT_END = re.compile(r"</script\s*+>", re.IGNORECASE)
SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(px|pt|em|rem)?\s*$")
STYLE_SIZE = re.compile(r"\b(?:width|height)\s*:([^;]{1,20})")
HIDDEN = re.compile(r"\bdisplay\s*+:\s*+none\b", re.IGNORECASE)
ICON_PIXELS, PIXELS_PER_EM = 24, 12

INVISIBLE = re.compile(
    r"<(?P<end>/?)(?P<name>script|style|title|svg|head|progress)\b[^<>]*>", re.IGNORECASE
)
BLOCK = re.compile(r"</?(?:tr|br|p|div|li|table|h[1-6]|pre)\b[^<>]*>", re.IGNORECASE)
TAG = re.compile(r"</?[a-z][^<>]*>|<!--[^<>]*-->", re.IGNORECASE)


def visible_text(html: str) -> str:
    """Return the text that a reader sees, with a line for each row of a table."""
    text = BLOCK.sub("\n", re.sub(r"\s+", " ", _without_invisible(html)))
    lines = unescape(TAG.sub(" ", text)).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


def _without_invisible(html: str) -> str:
    """Return HTML without its invisible elements; an unclosed one extends to the end."""
    kept, at, hidden_by = [], 0, ""
    for tag in INVISIBLE.finditer(html):
        name = tag["name"].lower()
        if not hidden_by and not tag["end"]:
            kept.append(html[at : tag.start()])
            hidden_by = name
        elif name == hidden_by and tag["end"]:
            at, hidden_by = tag.end(), ""
    return " ".join((*kept, "" if hidden_by else html[at:]))


def split_scripts(html: str) -> tuple[str, list[str]]:
    """Return the HTML outside the scripts, and the text of each script."""
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
    """Return the attributes with a value, from the text after a tag's name."""
    return {
        match[1].lower(): unescape(match[2] or match[3] or match[4] or "")
        for match in ATTRIBUTE.finditer(rest)
    }


def is_icon(attributes: dict[str, str]) -> bool:
    """Return whether the attributes describe an element as hidden, or as small as an icon."""
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
