"""Whether each parameter of a recipe changes what its notebook does.

papermill writes the parameters behind the first cell that is tagged `parameters`, or at the head of
the notebook, and goes on where that changes nothing: a name that is misspelt, a cell without the
tag, a later cell that gives the name another value. Here each of these is a fault. In Python the
cells behind are read as well; in other languages only whether the tagged cell gives the name a
value. A language that papermill cannot write into is a fault, too: nothing passes unread.

Runs here and, as text, on a host before papermill: the standard library alone.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from notebake.notebook.language import as_mapping, declared_names, papermill_language
from notebake.notebook.value_uses import trace_value

TAG, INJECTED, SKIPPED = "parameters", "injected-parameters", "skip-execution"


@dataclass(frozen=True)
class Cell:
    """A cell, whatever else the notebook's file holds in its place."""

    index: int
    is_code: bool
    source: str
    tags: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its place among all cells, from 1 on, and its first line that is no comment."""
        lines = (line.strip() for line in self.source.splitlines())
        line = next((one for one in lines if one and not one.startswith(("#", "//"))), "")
        return f"cell {self.index + 1} of the notebook (`{line[:60]}`)"


def find_ineffective_parameters(
    notebook: dict[str, Any], names: Iterable[str], *, kernel: str, language: str
) -> str | None:
    """Return in one line which of the parameters change nothing, and what to do; None if none."""
    wanted = list(names)
    if not wanted:
        return None
    known = papermill_language(kernel, language)
    if known is None:
        return (
            f"{listed(wanted)} cannot be set, nor checked: papermill writes none"
            f" in {language or 'a language that is not named'}, the language of the kernel {kernel}"
        )
    cells = read_cells(notebook)
    tagged = next((cell for cell in cells if TAG in cell.tags), None)
    if tagged is None or not tagged.is_code:
        return no_tagged_cell(cells, wanted, known)
    declared = declared_names(tagged.source, known)
    faults = [undeclared(name, declared) for name in wanted if name not in declared]
    if known == "python":
        behind = cells_behind(cells, tagged)
        faults += filter(None, (unused(name, behind) for name in wanted if name in declared))
    return "; ".join(faults) or None


def read_cells(notebook: dict[str, Any]) -> list[Cell]:
    """Return the notebook's cells; what is no cell is an empty one."""
    written = notebook.get("cells")
    return [
        _read_cell(index, as_mapping(cell))
        for index, cell in enumerate(written if isinstance(written, list) else [])
    ]


def _read_cell(index: int, cell: dict[str, Any]) -> Cell:
    """Return one cell."""
    tags = as_mapping(cell.get("metadata")).get("tags")
    lines = cell.get("source")
    source = "".join(map(str, lines)) if isinstance(lines, list) else str(lines or "")
    return Cell(
        index,
        cell.get("cell_type") == "code",
        source,
        tuple(map(str, tags)) if isinstance(tags, list) else (),
    )


def listed(names: list[str]) -> str:
    """Return the names of parameters as the subject of a sentence."""
    return f"The parameter{'s' * (len(names) > 1)} {', '.join(names)}"


def no_tagged_cell(cells: list[Cell], wanted: list[str], language: str) -> str:
    """Return that no code cell has the tag, and which cell should get it."""
    for cell in cells:
        found = [] if not cell.is_code else declared_names(cell.source, language)
        if INJECTED not in cell.tags and any(name in found for name in wanted):
            cure = f"tag {cell.title} so"
            break
    else:
        cure = f"give {', '.join(wanted)} a default in one of its first cells, and tag that so"
    tags = [tag for cell in cells for tag in cell.tags if tag != INJECTED]
    near = difflib.get_close_matches(TAG, [tag.lower() for tag in tags], n=1, cutoff=0.8)
    misspelt = f" (there is one tagged `{near[0]}`)" if near and near[0] != TAG else ""
    return (
        f"{listed(wanted)} would change nothing: no code cell has the tag"
        f" `{TAG}`{misspelt}; {cure}, in JupyterLab by Property Inspector (the gears), Cell Tags"
    )


def undeclared(name: str, declared: list[str]) -> str:
    """Return that a name has no value in the tagged cell, with the nearest that has."""
    near = difflib.get_close_matches(name, declared, n=1) or difflib.get_close_matches(
        name.lower(), declared, n=1
    )
    has = f"it has {', '.join(dict.fromkeys(declared))}" if declared else "it gives no name a value"
    return (
        f"The parameter {name} would change nothing: the cell tagged `{TAG}` does not give it a"
        f" value; {f'did you mean {near[0]}?' if near else has}"
    )


def cells_behind(cells: list[Cell], tagged: Cell) -> list[Cell]:
    """Return the code cells that run after the parameters have been set."""
    injected = next((cell for cell in cells if INJECTED in cell.tags), tagged)
    return [
        cell
        for cell in cells[injected.index + 1 :]
        if cell.is_code and SKIPPED not in cell.tags and cell.source.strip()
    ]


def unused(name: str, cells: list[Cell]) -> str | None:
    """Return why a name's value reaches nothing in cells of Python; None where it may."""
    fate, place = trace_value(name, [cell.source for cell in cells])
    if fate == "overwritten":
        return (
            f"The parameter {name} would change nothing: {cells[place].title} gives it another"
            " value before anything uses it; leave that line out"
        )
    if fate == "unused":
        return (
            f"The parameter {name} would change nothing: no cell behind the one tagged `{TAG}` uses"
            " it (what that cell itself makes of it is made before papermill sets it)"
        )
    return None
