"""What a reader sees of HTML, as text, at a cost that grows with its length and no faster."""

import re
from html import unescape

# Python's own parser of HTML takes the square of the length of tags that never end.
TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*)\b[^<>]*>")
UNSEEN = frozenset(("script", "style", "title", "svg", "head", "progress"))
BLOCKS = frozenset(("tr", "br", "p", "div", "li", "table", "h1", "h2", "h3", "h4", "pre"))


def visible_text(html: str) -> str:
    """Return what a reader sees of HTML, a line for each row of a table."""
    parts, at, hidden_by = [], 0, ""
    for tag in TAG.finditer(html):
        name = tag["name"].lower()
        if not hidden_by:
            parts += [" ".join(html[at : tag.start()].split()), "\n" if name in BLOCKS else " "]
        at = tag.end()
        if name in UNSEEN and not hidden_by and not tag["end"]:
            hidden_by = name
        elif name == hidden_by and tag["end"]:
            hidden_by = ""
    parts += [] if hidden_by else [" ".join(html[at:].split())]
    lines = unescape("".join(parts)).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())
