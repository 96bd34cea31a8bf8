"""Adds the texts of a notebook to the engine's input, cell by cell, as a reader sees them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from notebake.credentials.engine_input import EngineInput

LARGEST_NOTEBOOK = 64 << 20
COLOURS = re.compile(r"\x1b\[[\d;]*[A-Za-z]")


def add_notebook(engine: EngineInput, path: str, label: str, content: bytes) -> bool:
    """Add all texts of a notebook; return False if the content is not a notebook."""
    try:
        texts = [(place, b"\n".join(_texts(value))) for place, value in parts_of(content)]
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        return False
    for place, text in texts:
        if text:
            engine.add_text(path, f"{label}, {place}" if label else place, text, 0)
    return True


def parts_of(content: bytes) -> list[tuple[str, Any]]:
    """Return the parts of a notebook with their places; handles nbformat 3 and 4."""
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
    """Yield every text inside a JSON value; a list of lines is one text."""
    if isinstance(value, str):
        yield COLOURS.sub("", value).encode("utf-8", "surrogatepass")
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield from _texts("".join(value))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        # Rules match a name together with its value, as in {"aws_secret_access_key": "…"}.
        for key, item in value.items():
            yield from _texts(f"{key}: {item}" if isinstance(item, str) else item)
