"""Describes the error that ended a notebook: what it was, where, and what to change."""

import re
from typing import NamedTuple

from notebake.humanize import capitalize_first
from notebake.notebook.advice import ADVICE_BY_KIND, advise_error, advise_module
from notebake.notebook.code_cell import CellError, CodeCell
from notebake.notebook.error_location import format_failure
from notebake.notebook.language import stated_kernel
from notebake.notebook.outputs import ExecutedNotebook
from notebake.notebook.verdict import NotebookKind

LONGEST = 300
NO_MODULE = re.compile(r"No module named '([^']+)'")
NO_INPUT_ERROR = "StdinNotImplementedError"
"""ipykernel raises it for input() and getpass() when no front end can answer."""


class Failure(NamedTuple):
    """The kind of a failure, its cell, a line about it, and what to change."""

    kind: NotebookKind
    cell: CodeCell | None
    error: str
    advice: str = ""


def find_error(notebook: ExecutedNotebook, kernel: str) -> Failure | None:
    """Return the error that ended the notebook, unless its cell is tagged to expect one."""
    for cell in notebook.cells:
        if cell.error is not None:
            failure = _explain(cell.error, cell, notebook)
            note = other_kernel_note(notebook, kernel)
            advice = failure.advice or ADVICE_BY_KIND[failure.kind]
            return failure._replace(advice=f"{advice} {note}".rstrip())
    return None


def _explain(error: CellError, cell: CodeCell, notebook: ExecutedNotebook) -> Failure:
    place, raised = format_failure(error, cell, notebook.cells)
    place = capitalize_first(place)
    if error.name == NO_INPUT_ERROR:
        return Failure("asks_for_input", cell, f"{place} asks for input{raised}")
    missing = NO_MODULE.search(error.message) if error.name == "ModuleNotFoundError" else None
    if missing:
        module = missing[1]
        top = module.partition(".")[0]
        lacks = f"the installed {top} does not have" if "." in module else "is not installed"
        text = f"{place} needs the module {module}, which {lacks}{raised}"
        return Failure("missing_module", cell, text, advise_module(module))
    message = f"{place} ended with {error.name}: {error.message[:LONGEST]}".removesuffix(": ")
    return Failure("cell_error", cell, f"{message}{raised}", advise_error(error.message))


def other_kernel_note(notebook: ExecutedNotebook, kernel: str) -> str:
    """Return a sentence if the notebook names another kernel than it ran with, or else ""."""
    own = stated_kernel(notebook.document)
    if not own or own == kernel:
        return ""
    return f"The notebook names the kernel {own}, and the recipe ran it with {kernel}."
