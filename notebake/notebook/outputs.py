"""Reads an executed notebook: its code cells, their figures, results and errors."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from notebake.notebook.code_cell import ESCAPE_SEQUENCE, CodeCell
from notebake.notebook.dates import seconds_from_iso
from notebake.notebook.figures import is_figure
from notebake.notebook.html_reader import visible_text
from notebake.notebook.language import normalise_language, papermill_language, stated_languages

DEFAULT_REPR = re.compile(r"\s*<[^\n]*>\s*")
"""Python's default repr of an object."""
WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class ExecutedNotebook:
    """A notebook after its execution."""

    cells: tuple[CodeCell, ...]
    """The code cells that are not blank."""
    language: str
    """The canonical name, but "R" for R; empty if the notebook names none."""
    document: dict[str, Any]
    """The whole notebook as JSON."""


def read_executed(executed: str) -> ExecutedNotebook:
    """Return a notebook; ValueError if this is not a notebook of format 4."""
    try:
        document = json.loads(executed)
        cells = tuple(_code_cells(document["cells"]))
        stated = stated_languages(document)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a notebook of format 4") from error
    language = papermill_language("", stated[0]) or normalise_language(stated[0]) if stated else ""
    return ExecutedNotebook(cells, language, document)


def result_text(cell: CodeCell) -> str:
    """Return the text that a cell printed, returned or displayed, without its stderr."""
    parts = []
    for output, is_drawn in zip(cell.outputs, cell.are_figures, strict=True):
        if output.get("output_type") == "stream" and output.get("name") == "stdout":
            parts.append(join_lines(output.get("text", "")))
        if is_displayed(output) and not is_drawn:
            parts.append(_displayed_text(output) + "\n")
    return ESCAPE_SEQUENCE.sub("", "".join(parts))


def is_displayed(output: dict[str, Any]) -> bool:
    """Return whether an output is a value that the cell returned or displayed."""
    kind = output.get("output_type")
    return kind == "execute_result" or kind == "display_data"


def _displayed_text(output: dict[str, Any]) -> str:
    """Return the text of a displayed value that is not a figure; a widget has none.

    If the value has only a default repr, its Markdown, LaTeX or HTML is used.
    """
    content = output.get("data", {})
    if WIDGET in content:
        return ""
    text = join_lines(content.get("text/plain", ""))
    if text and not DEFAULT_REPR.fullmatch(text):
        return text
    for kind in ("text/markdown", "text/latex"):
        if kind in content:
            return join_lines(content[kind])
    return visible_text(join_lines(content.get("text/html", "")))


def join_lines(text: str | list[str]) -> str:
    """Return a multi-line text, which a notebook may store as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def _code_cells(cells: list[dict[str, Any]]) -> Iterator[CodeCell]:
    """Yield the code cells that are not blank, numbered as by a new kernel."""
    number = 0
    for cell in cells:
        source = join_lines(cell["source"])
        if cell["cell_type"] != "code" or not source.strip():
            continue
        tags = frozenset(cell["metadata"].get("tags", ()))
        number += "skip-execution" not in tags
        count = cell.get("execution_count")
        if not isinstance(count, int | None):
            raise TypeError("execution_count")
        began, ended = _times_of(cell["metadata"])
        outputs = tuple(_checked(output) for output in cell.get("outputs", ()))
        yield CodeCell(
            number=count or number,
            source=source,
            tags=tags,
            has_begun=began is not None or count is not None,
            has_count=count is not None,
            outputs=outputs,
            are_figures=tuple(map(is_figure, outputs)),
            began=began,
            ended=ended,
        )


def _times_of(metadata: dict[str, Any]) -> tuple[float | None, float | None]:
    """Return when a cell began and ended, by papermill or by the kernel's messages (nbclient)."""
    times = metadata.get("papermill", {})
    kernel = metadata.get("execution", {})
    return (
        seconds_from_iso(times.get("start_time") or kernel.get("iopub.execute_input")),
        seconds_from_iso(times.get("end_time") or kernel.get("shell.execute_reply")),
    )


def _checked(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output if its texts have the right types; TypeError or KeyError otherwise."""
    content = output["data"] if output.get("output_type") == "execute_result" else {}
    content = output.get("data", content)
    kinds = ("text/plain", "text/html", "text/markdown", "text/latex")
    texts = (
        output.get("text", ""),
        output.get("traceback", ""),
        *(content.get(kind, "") for kind in kinds),
    )
    "".join((*map(join_lines, texts), output.get("ename", ""), output.get("evalue", "")))
    return output
