"""Finds the cell and line in which an error was raised, from the kernel's traceback."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from notebake.humanize import quote_code
from notebake.notebook.code_cell import CellError, CodeCell

# IPython's forms of a frame's heading (IPython/core/ultratb.py): since 8.7, since 8.0, and before.
# The last has no line number: it follows at the arrow below.
FRAME = re.compile(
    r"^\s*(?:File )?(?:Cell In ?\[(?P<cell>\d+)\], line (?P<line>\d+)"
    r"|Input In \[(?P<input>\d+)\], in <cell line: (?P<statement>\d+)>"
    r"|(?:Input In \[(?P<function>\d+)\]|<ipython-input-(?P<old>\d+)-\w+>)[^\n]*)",
    re.MULTILINE,
)
ARROW = re.compile(r"^-+> ?(\d+)\b", re.MULTILINE)
SYNTAX_ERROR_LINE = re.compile(r'<ipython-input-\d+-\w+>", line (\d+)')
# Julia's form: "[1] top-level scope @ In[3]:2".
JULIA_FRAME = re.compile(r"\bIn\[(\d+)\]:(\d+)")


class Place(NamedTuple):
    """A line of a code cell, both pluralize from 1."""

    cell: int
    line: int


def error_places(error: CellError) -> list[Place]:
    """Return the lines of the notebook in an error's traceback, outermost first."""
    if error.traceback.count("In[") and not FRAME.search(error.traceback):
        frames = JULIA_FRAME.findall(error.traceback)
        return [Place(int(cell), int(line)) for cell, line in reversed(frames)]
    return list(_python_places(error.traceback))


def _python_places(traceback: str) -> Iterator[Place]:
    frames = list(FRAME.finditer(traceback))
    ends = [*(frame.start() for frame in frames[1:]), len(traceback)]
    for frame, end in zip(frames, ends, strict=False):
        found = frame.groupdict()
        cell = next(filter(None, map(found.get, ("cell", "input", "function", "old"))))
        line = found["line"] or found["statement"]
        arrow = SYNTAX_ERROR_LINE.search(frame[0]) or ARROW.search(traceback, frame.end(), end)
        if line or arrow:
            yield Place(int(cell), int(line or (arrow[1] if arrow else 0)))


def format_failure(error: CellError, cell: CodeCell, cells: Sequence[CodeCell]) -> tuple[str, str]:
    """Return the place where a cell failed, and, if it differs, where the error was raised."""
    places = error_places(error)
    first = next((place for place in places if place.cell == cell.number), None)
    if first is None:
        return cell.title, ""
    last = places[-1]
    raised = "" if last == first else f", raised in {_title(last, cells)}"
    return _title(first, cells), raised


def _title(place: Place, cells: Sequence[CodeCell]) -> str:
    """Return a place as a phrase, with its source line."""
    source = next((cell.source for cell in cells if cell.number == place.cell), "")
    lines = source.splitlines()
    line = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else ""
    shown = f" {quote_code(line)}" if line else ""
    where = f", line {place.line}" if len(lines) > 1 else ""
    return f"cell {place.cell}{where}{shown}"
