"""Finds parameters of a recipe that have no effect on its notebook.

papermill writes the parameters after the first cell tagged `parameters`, or at the beginning of
the notebook, and does not check that they have an effect. Here it is an error if a name is
misspelt, the tag is missing, or a later cell assigns the name again. In Python the later cells are
parsed as well; in other languages only the assignments in the tagged cell are checked. A language
in which papermill cannot write parameters is an error, too.

Runs here and, sent as source text, on a host before papermill; imports the standard library only.
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
    """A cell; malformed parts of the notebook become empty."""

    index: int
    is_code: bool
    source: str
    tags: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its number among all cells, from 1, and its first line that is not a comment."""
        lines = (line.strip() for line in self.source.splitlines())
        line = next((line for line in lines if line and not line.startswith(("#", "//"))), "")
        return f"cell {self.index + 1} of the notebook (`{line[:60]}`)"


def find_ineffective_parameters(
    notebook: dict[str, Any], names: Iterable[str], *, kernel: str, language: str
) -> str | None:
    """Return one line about parameters without effect, and what to do; None if all have one."""
    wanted = list(names)
    if not wanted:
        return None
    known = papermill_language(kernel, language)
    if known is None:
        return (
            f"{listed(wanted)} cannot be set: papermill cannot write parameters in"
            f" {language or 'an unknown language'}, the language of the kernel {kernel}"
        )
    cells = read_cells(notebook)
    tagged = next((cell for cell in cells if TAG in cell.tags), None)
    if tagged is None or not tagged.is_code:
        return no_tagged_cell(cells, wanted, known)
    declared = declared_names(tagged.source, known)
    faults = [undeclared(name, declared) for name in wanted if name not in declared]
    if known == "python":
        later = cells_after(cells, tagged)
        faults += filter(None, (unused(name, later) for name in wanted if name in declared))
    return "; ".join(faults) or None


def read_cells(notebook: dict[str, Any]) -> list[Cell]:
    """Return the notebook's cells; a malformed cell is empty."""
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
    """Return an error that no code cell has the tag, and which cell should get it."""
    for cell in cells:
        found = [] if not cell.is_code else declared_names(cell.source, language)
        if INJECTED not in cell.tags and any(name in found for name in wanted):
            advice = f"add it to {cell.title}"
            break
    else:
        advice = (
            f"assign {', '.join(wanted)} a default in one of its first cells, and tag that cell"
        )
    tags = [tag for cell in cells for tag in cell.tags if tag != INJECTED]
    near = difflib.get_close_matches(TAG, [tag.lower() for tag in tags], n=1, cutoff=0.8)
    misspelt = f" (there is one tagged `{near[0]}`)" if near and near[0] != TAG else ""
    return (
        f"{listed(wanted)} would have no effect: no code cell has the tag"
        f" `{TAG}`{misspelt}; {advice}, in JupyterLab by Property Inspector (the gears), Cell Tags"
    )


def undeclared(name: str, declared: list[str]) -> str:
    """Return an error that the tagged cell does not assign a name, with the most similar one."""
    near = difflib.get_close_matches(name, declared, n=1) or difflib.get_close_matches(
        name.lower(), declared, n=1
    )
    names = f"it assigns {', '.join(dict.fromkeys(declared))}" if declared else "it assigns none"
    return (
        f"The parameter {name} would have no effect: the cell tagged `{TAG}` does not assign it;"
        f" {f'did you mean {near[0]}?' if near else names}"
    )


def cells_after(cells: list[Cell], tagged: Cell) -> list[Cell]:
    """Return the code cells that run after the parameters have been set."""
    injected = next((cell for cell in cells if INJECTED in cell.tags), tagged)
    return [
        cell
        for cell in cells[injected.index + 1 :]
        if cell.is_code and SKIPPED not in cell.tags and cell.source.strip()
    ]


def unused(name: str, cells: list[Cell]) -> str | None:
    """Return an error if Python cells do not use a name's value; None if they may."""
    use, place = trace_value(name, [cell.source for cell in cells])
    if use == "overwritten":
        return (
            f"The parameter {name} would have no effect: {cells[place].title} assigns it another"
            " value before anything uses it; remove that line"
        )
    if use == "unused":
        return (
            f"The parameter {name} would have no effect: no cell after the one tagged `{TAG}` uses"
            " it (that cell itself runs before papermill sets the value)"
        )
    return None
