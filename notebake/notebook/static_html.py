"""HTML in which nothing loads, runs or sends the reader elsewhere, and every picture has words."""

import re
from html import escape

from notebake.notebook.html_drawings import REST, attributes_of, is_icon

# What the policy cannot stop (a page may send the reader elsewhere), or would leave as debris: what
# can do nothing without a script. The boxes that styles alone open (xarray, scikit-learn) stay.
LOADER = re.compile(
    r"<(?P<end>/?)(?P<name>script|meta|link|base|iframe|object|embed|button|select|textarea|input)\b"
    + REST
    + r"""["']?>?""",
    re.IGNORECASE,
)
ALIVE = re.compile(r"""\stype\s*+=\s*+["']?(?:checkbox|radio)\b""", re.IGNORECASE)
ENDS = {
    name: re.compile(rf"</{name}\s*+>", re.IGNORECASE)
    for name in ("script", "button", "select", "textarea")
}
PICTURE = re.compile(r"<(?P<name>img|svg|video)(?=[\s/>])" + REST + r"""["']?>?""", re.IGNORECASE)
ADDRESS_END = re.compile(r"[?#]")
UNNAMED = {
    "img": 'alt="A figure without a description"',
    "svg": 'role="img" aria-label="A figure without a description"',
    "video": 'aria-label="A video without a description"',
}
NAMED = re.compile(r"\b(?:alt|role|aria-\w+)\s*=", re.IGNORECASE)


def with_alternative_texts(body: str) -> str:
    """Return HTML in which each picture has a text for who does not see it."""
    return PICTURE.sub(_with_alternative, body)


def without_active_content(body: str) -> str:
    """Return HTML without what would load, run, or send the reader elsewhere.

    A space is left in each place: what stood around it must not join to another such tag.
    """
    kept, at, ends = [], 0, dict(ENDS)
    while tag := LOADER.search(body, at):
        kept.append(body[at : tag.start()])
        at, name = tag.end(), tag["name"].lower()
        if name == "input" and ALIVE.search(tag["rest"]):
            kept.append(tag[0])
        if tag["end"] or name not in ends or tag[0].endswith("/>"):
            continue
        if end := ends[name].search(body, at):
            at = end.end()
        else:
            del ends[name]  # nor would it be found from further on
    return " ".join((*kept, body[at:]))


def _with_alternative(picture: re.Match[str]) -> str:
    """Return the tag of a picture with a text for who does not see it, or that text alone."""
    tag, name = picture[0], picture["name"].lower()
    attributes = attributes_of(picture["rest"])
    source = attributes.get("src", "").strip()
    if name == "img" and not source.lower().startswith("data:"):
        return _in_words(source, attributes.get("alt", ""))
    if NAMED.search(picture["rest"]) or (name == "svg" and is_icon(attributes)):
        return tag
    at = len(name) + 1
    return f"{tag[:at]} {UNNAMED[name]}{tag[at:]}"


def _in_words(source: str, alternative: str) -> str:
    """Return the line that stands for a picture that is not in the notebook."""
    file = ADDRESS_END.split(source, maxsplit=1)[0].rpartition("/")[2][:60]
    told = " ".join(alternative.split()) or file
    line = f"A picture that is not in the notebook{': ' if told else ''}{told}"
    return f'<span class="page-note">{escape(line)}</span>'
