"""What a reader sees of HTML, as text, at a cost that grows with its length and no faster."""

import re
from html import unescape

# Python's own parser of HTML takes the square of the length of tags that never end.
UNSEEN = re.compile(
    r"<(?P<end>/?)(?P<name>script|style|title|svg|head|progress)\b[^<>]*>", re.IGNORECASE
)
BLOCK = re.compile(r"</?(?:tr|br|p|div|li|table|h[1-6]|pre)\b[^<>]*>", re.IGNORECASE)
TAG = re.compile(r"</?[a-z][^<>]*>|<!--[^<>]*-->", re.IGNORECASE)


def visible_text(html: str) -> str:
    """Return what a reader sees of HTML, a line for each row of a table."""
    seen = BLOCK.sub("\n", re.sub(r"\s+", " ", _without_unseen(html)))
    lines = unescape(TAG.sub(" ", seen)).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


def _without_unseen(html: str) -> str:
    """Return HTML without what its reader does not see; what never ends hides the rest."""
    kept, at, hidden_by = [], 0, ""
    for tag in UNSEEN.finditer(html):
        name = tag["name"].lower()
        if not hidden_by and not tag["end"]:
            kept.append(html[at : tag.start()])
            hidden_by = name
        elif name == hidden_by and tag["end"]:
            at, hidden_by = tag.end(), ""
    return " ".join((*kept, "" if hidden_by else html[at:]))
