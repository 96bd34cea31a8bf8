"""What an executed notebook shows: the cells that ran, their figures and text."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from notebake.humanize import quote_code
from notebake.notebook.dates import seconds_from_iso
from notebake.notebook.figures import is_figure
from notebake.notebook.html_reader import visible_text
from notebake.notebook.language import normalise_language, papermill_language, stated_languages

ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DEFAULT_REPR = re.compile(r"\s*<[^\n]*>\s*")
"""What Python writes of an object that has no text of its own."""
WIDGET = "application/vnd.jupyter.widget-view+json"
RAISES_TAG = "raises-exception"
"""The tag of a cell that may end with an error (nbclient/client.py): the notebook goes on."""


class CellError(NamedTuple):
    """An exception, its message in one line, and its traceback without colours."""

    name: str
    message: str
    traceback: str


@dataclass(frozen=True)
class CodeCell:
    """A code cell that had something to run, as it stands in the executed notebook."""

    number: int
    """The [n] that the notebook shows beside it, or would have."""
    source: str
    tags: frozenset[str]
    has_begun: bool
    has_count: bool
    """The kernel has given it a number. papermill's own status is no witness: it calls the cell
    in which a kernel died, and all that follow, completed (papermill/engines.py, 2.7)."""
    outputs: tuple[dict[str, Any], ...]
    are_figures: tuple[bool, ...] = ()
    """Of each output, whether it is a figure."""
    began: float | None = None
    """When it began to run, in seconds of Unix, as far as whoever ran it kept that."""
    ended: float | None = None

    @property
    def title(self) -> str:
        """Its number and first line, as a person would look for it."""
        lines = (line.strip() for line in self.source.splitlines())
        line = next((line for line in lines if line and not line.startswith("#")), "")
        return f"cell {self.number} {quote_code(line)}"

    @property
    def error(self) -> CellError | None:
        """The exception that ended it, unless the cell is tagged as one that may raise it."""
        return None if RAISES_TAG in self.tags else self.raised

    @property
    def raised(self) -> CellError | None:
        """The exception that ended it, expected or not."""
        for output in self.outputs:
            if output.get("output_type") == "error":
                message = ESCAPE_SEQUENCE.sub("", output.get("evalue", ""))
                traceback = ESCAPE_SEQUENCE.sub("", "\n".join(output.get("traceback", ())))
                return CellError(output.get("ename", ""), " ".join(message.split()), traceback)
        return None

    @property
    def figures(self) -> int:
        """How many of its outputs are figures."""
        return sum(self.are_figures)


@dataclass(frozen=True)
class ExecutedNotebook:
    """A notebook that was run, as far as it proves anything."""

    cells: tuple[CodeCell, ...]
    """Those that are not blank."""
    language: str
    """As `notebook_language.plain` names it but for R; empty where the notebook names none."""
    written: dict[str, Any]
    """All of it."""


def read_executed(executed: str) -> ExecutedNotebook:
    """Return a notebook. Raises ValueError if this is none of format 4."""
    try:
        written = json.loads(executed)
        cells = tuple(_code_cells(written["cells"]))
        stated = stated_languages(written)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a notebook of format 4") from error
    language = papermill_language("", stated[0]) or normalise_language(stated[0]) if stated else ""
    return ExecutedNotebook(cells, language, written)


def result_text(cell: CodeCell) -> str:
    """Return what a cell printed, returned or displayed as text; nothing of its standard error."""
    parts = []
    for output, is_drawn in zip(cell.outputs, cell.are_figures, strict=True):
        if output.get("output_type") == "stream" and output.get("name") == "stdout":
            parts.append(join_lines(output.get("text", "")))
        if is_displayed(output) and not is_drawn:
            parts.append(_displayed_text(output) + "\n")
    return ESCAPE_SEQUENCE.sub("", "".join(parts))


def is_displayed(output: dict[str, Any]) -> bool:
    """Tell whether an output is a value that the cell returned, or displayed."""
    kind = output.get("output_type")
    return kind == "execute_result" or kind == "display_data"


def _displayed_text(output: dict[str, Any]) -> str:
    """Return the text of what was displayed and is no figure; a widget has none.

    An object without a text of its own is read as a person sees it.
    """
    content = output.get("data", {})
    if WIDGET in content:
        return ""
    normalise_language = join_lines(content.get("text/plain", ""))
    if normalise_language and not DEFAULT_REPR.fullmatch(normalise_language):
        return normalise_language
    for kind in ("text/markdown", "text/latex"):
        if kind in content:
            return join_lines(content[kind])
    return visible_text(join_lines(content.get("text/html", "")))


def join_lines(text: str | list[str]) -> str:
    """Return a notebook's multi-line text, which may be a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def _code_cells(written: list[dict[str, Any]]) -> Iterator[CodeCell]:
    """Yield the code cells that are not blank, numbered as a fresh kernel numbers them."""
    number = 0
    for cell in written:
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
    """Return when papermill began and ended a cell; else by the kernel's messages (nbclient)."""
    times = metadata.get("papermill", {})
    kernel = metadata.get("execution", {})
    return (
        seconds_from_iso(times.get("start_time") or kernel.get("iopub.execute_input")),
        seconds_from_iso(times.get("end_time") or kernel.get("shell.execute_reply")),
    )


def _checked(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output whose texts are where they should be; TypeError, KeyError otherwise."""
    content = output["data"] if output.get("output_type") == "execute_result" else {}
    content = output.get("data", content)
    kinds = ("text/plain", "text/html", "text/markdown", "text/latex")
    texts = (
        output.get("text", ""),
        output.get("traceback", ""),
        *(content.get(one, "") for one in kinds),
    )
    "".join((*map(join_lines, texts), output.get("ename", ""), output.get("evalue", "")))
    return output
