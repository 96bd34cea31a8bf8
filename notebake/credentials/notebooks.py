"""The texts of a notebook, cell by cell, as people read them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from notebake.credentials.engine_input import EngineInput

LARGEST_NOTEBOOK = 64 << 20
COLOURS = re.compile(r"\x1b\[[\d;]*[A-Za-z]")


def add_notebook(stream: EngineInput, path: str, label: str, content: bytes) -> bool:
    """Give the engine all texts of a notebook; False for what is no notebook."""
    try:
        found = [(place, b"\n".join(_texts(value))) for place, value in parts_of(content)]
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        return False
    for place, text in found:
        if text:
            stream.put_text(path, f"{label}, {place}" if label else place, text, 0)
    return True


def parts_of(content: bytes) -> list[tuple[str, Any]]:
    """Return a notebook's parts with their places; in both forms that Jupyter has had."""
    notebook = json.loads(content)
    cells = [
        *notebook.pop("cells", []),
        *(cell for sheet in notebook.get("worksheets", []) for cell in sheet.pop("cells")),
    ]
    parts = [
        (f"cell {number}, {part}", cell.pop(part, None))
        for number, cell in enumerate(cells, start=1)
        for part in ("source", "input", "outputs", "attachments")
    ]
    rest = [(f"cell {number}, metadata", cell) for number, cell in enumerate(cells, start=1)]
    return [*parts, *rest, ("metadata", notebook)]


def _texts(value: Any) -> Iterator[bytes]:
    """Give every text inside a JSON value; a list of lines is one text."""
    if isinstance(value, str):
        yield COLOURS.sub("", value).encode("utf-8", "surrogatepass")
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield from _texts("".join(value))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        # A name and its value belong together: {"aws_secret_access_key": "…"} is found by both.
        for key, item in value.items():
            yield from _texts(f"{key}: {item}" if isinstance(item, str) else item)
