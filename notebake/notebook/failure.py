"""The error that ended a notebook: which it was, where, and what to change."""

import re
from typing import NamedTuple

from notebake.humanize import capitalize_first
from notebake.notebook.advice import ADVICE_BY_KIND, advise_error, advise_module
from notebake.notebook.error_location import format_failure
from notebake.notebook.language import stated_kernel
from notebake.notebook.outputs import CellError, CodeCell, ExecutedNotebook
from notebake.notebook.verdict import NotebookKind

LONGEST = 300
NO_MODULE = re.compile(r"No module named '([^']+)'")
NO_INPUT_ERROR = "StdinNotImplementedError"
"""What ipykernel raises for input() and getpass() where no front end answers."""


class Failure(NamedTuple):
    """One way to fail, the cell it happened in, one line about it, and what to change."""

    kind: NotebookKind
    cell: CodeCell | None
    error: str
    advice: str = ""


def find_error(notebook: ExecutedNotebook, kernel: str) -> Failure | None:
    """Return the error that ended the notebook; one that its cell is tagged for is none."""
    for cell in notebook.cells:
        if cell.error is not None:
            failure = _explain(cell.error, cell, notebook)
            note = other_kernel_note(notebook, kernel)
            advice = failure.advice or ADVICE_BY_KIND[failure.kind]
            return failure._replace(advice=f"{advice} {note}".rstrip())
    return None


def _explain(error: CellError, cell: CodeCell, notebook: ExecutedNotebook) -> Failure:
    """Return what an error is about."""
    place, raised = format_failure(error, cell, notebook.cells)
    place = capitalize_first(place)
    if error.name == NO_INPUT_ERROR:
        text = f"{place} asks its reader for input{raised}"
        return Failure("asks_for_input", cell, text)
    missing = NO_MODULE.search(error.message) if error.name == "ModuleNotFoundError" else None
    if missing:
        module = missing[1]
        top = module.partition(".")[0]
        lacks = (
            f"the {top} that is installed does not have" if "." in module else "is not installed"
        )
        text = f"{place} needs the module {module}, which {lacks}{raised}"
        return Failure("missing_module", cell, text, advise_module(module))
    message = f"{place} ended with {error.name}: {error.message[:LONGEST]}".removesuffix(": ")
    return Failure("cell_error", cell, f"{message}{raised}", advise_error(error.message))


def other_kernel_note(notebook: ExecutedNotebook, kernel: str) -> str:
    """Return that the notebook names another kernel than it was run with; empty if it does not."""
    own = stated_kernel(notebook.written)
    if not own or own == kernel:
        return ""
    return f"The notebook names the kernel {own}, and the recipe ran it with {kernel}."
