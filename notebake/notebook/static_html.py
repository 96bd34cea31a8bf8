"""Makes HTML static: nothing loads, runs or navigates, and pictures have alternative texts."""

import re
from html import escape

from notebake.notebook.html_reader import REST_OF_TAG, attributes_of, is_icon

# Elements that the content policy cannot stop (navigation), or that do nothing without a script.
# Check boxes stay, with which styles alone open a section (xarray, scikit-learn).
ACTIVE = re.compile(
    r"<(?P<end>/?)(?P<name>script|meta|link|base|iframe|object|embed|button|select|textarea|input)\b"
    + REST_OF_TAG
    + r"""["']?>?""",
    re.IGNORECASE,
)
CHECK_BOX = re.compile(r"""\stype\s*+=\s*+["']?(?:checkbox|radio)\b""", re.IGNORECASE)
ENDS = {
    name: re.compile(rf"</{name}\s*+>", re.IGNORECASE)
    for name in ("script", "button", "select", "textarea")
}
PICTURE = re.compile(
    r"<(?P<name>img|svg|video)(?=[\s/>])" + REST_OF_TAG + r"""["']?>?""", re.IGNORECASE
)
URL_END = re.compile(r"[?#]")
MISSING_TEXT = {
    "img": 'alt="A figure without a description"',
    "svg": 'role="img" aria-label="A figure without a description"',
    "video": 'aria-label="A video without a description"',
}
HAS_TEXT = re.compile(r"\b(?:alt|role|aria-\w+)\s*=", re.IGNORECASE)


def with_alternative_texts(body: str) -> str:
    """Return HTML in which each picture has an alternative text."""
    return PICTURE.sub(_with_alternative, body)


def without_active_content(body: str) -> str:
    """Return HTML without elements that would load, run or navigate.

    A space replaces each, so that the text around it cannot join to form another such tag.
    """
    kept, at, ends = [], 0, dict(ENDS)
    while tag := ACTIVE.search(body, at):
        kept.append(body[at : tag.start()])
        at, name = tag.end(), tag["name"].lower()
        if name == "input" and CHECK_BOX.search(tag["rest"]):
            kept.append(tag[0])
        if tag["end"] or name not in ends or tag[0].endswith("/>"):
            continue
        if end := ends[name].search(body, at):
            at = end.end()
        else:
            del ends[name]  # a later search would not find it either
    return " ".join((*kept, body[at:]))


def _with_alternative(picture: re.Match[str]) -> str:
    """Return a picture's tag with an alternative text, or only that text for an external one."""
    tag, name = picture[0], picture["name"].lower()
    attributes = attributes_of(picture["rest"])
    source = attributes.get("src", "").strip()
    if name == "img" and not source.lower().startswith("data:"):
        return _text_instead(source, attributes.get("alt", ""))
    if HAS_TEXT.search(picture["rest"]) or (name == "svg" and is_icon(attributes)):
        return tag
    at = len(name) + 1
    return f"{tag[:at]} {MISSING_TEXT[name]}{tag[at:]}"


def _text_instead(source: str, alternative: str) -> str:
    """Return the line that replaces a picture outside the notebook."""
    file = URL_END.split(source, maxsplit=1)[0].rpartition("/")[2][:60]
    text = " ".join(alternative.split()) or file
    line = f"A picture outside the notebook{': ' if text else ''}{text}"
    return f'<span class="page-note">{escape(line)}</span>'
