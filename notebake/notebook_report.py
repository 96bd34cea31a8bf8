"""What an executed notebook proves, and if it proves nothing, why not.

Success is stated, never inferred: the cells must have run, the figures must be there, and the
verdict must have been printed. Each way to fail is told apart, since each is mended elsewhere.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from notebake.notebook_figures import tell_uncounted
from notebake.notebook_html import SURROGATE, as_html
from notebake.notebook_language import find_other_language, stated_languages
from notebake.notebook_outputs import CodeCell, printed_numbers, printed_text, read_code_cells
from notebake.notebook_parameters import find_idle_parameters
from notebake.recipe import Notebook
from notebake.records import NotebookKind, NotebookVerdict

__all__ = ["as_html", "explain", "judge", "same_numbers"]

RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-12
"""Rounding noise about zero differs between processors; it is no result."""

TIME_LIMIT, KILLED, DEAD_KERNEL = 124, 137, 138
"""Exit codes: of timeout, of timeout when it had to kill, of papermill (papermill/cli.py)."""

ADVICE: dict[NotebookKind, str] = {
    "passed": "",
    "cell_error": "The executed notebook holds the whole traceback; it has been fetched.",
    "missing_module": "Add the package that has this module to software.packages in the recipe.",
    "dead_kernel": "Most often this is too little memory: take a larger instance type, or less"
    " data. A crash in compiled code looks the same.",
    "timed_out": "If it only needs longer, raise notebook.timeout_seconds in the recipe. What it"
    " had printed so far is in the executed notebook.",
    "missing_kernel": "Name one of these in notebook.kernel, or install the other by software.",
    "other_language": "Name a kernel of its language in notebook.kernel, and install it; for R:"
    " software.apt: [r-cran-irkernel] and notebook.kernel: ir.",
    "idle_parameters": "A parameter must be given a default in the one code cell that is tagged"
    " `parameters`, and be used behind it; otherwise leave it out of notebook.parameters.",
    "papermill_failed": "The notebook itself may be sound: look at the log of this step.",
    "too_little": "Either the notebook skips its work here, or minimum_cells and minimum_figures"
    " in the recipe ask for more than it has.",
    "no_verdict": "The notebook must print the text of notebook.verdict where all is well.",
}


class Failure(NamedTuple):
    """One way to fail, the cell it happened in, and one line about it."""

    kind: NotebookKind
    cell: CodeCell | None
    error: str


def judge(
    executed: str,
    wanted: Notebook,
    *,
    exit_code: int,
    seconds: float,
    log: str = "",
    oom_kills: int = 0,
    kernels: Sequence[str] = (),
    language: str = "",
) -> NotebookVerdict:
    """Return what a notebook proved; never raises, whatever `executed` is.

    The keyword arguments are what the status file beside the executed notebook holds.
    """
    try:
        cells = read_code_cells(executed)
    except ValueError:
        error = "The executed notebook cannot be read: it is no notebook of format 4"
        return NotebookVerdict(
            cells=0, figures=0, seconds=seconds, error=error, kind="papermill_failed"
        )
    failure = (
        _find_end(cells, wanted, exit_code=exit_code, seconds=seconds, oom_kills=oom_kills)
        or _find_error(cells, exit_code=exit_code)
        or _find_unfit(json.loads(executed), wanted, language=language)
        or _find_refusal(wanted, exit_code=exit_code, log=log, kernels=kernels)
        or _find_shortage(cells, wanted)
    )
    stopped = failure.cell if failure else None
    ran = _finished(cells, stopped)
    return NotebookVerdict(
        cells=len(ran),
        figures=sum(cell.figures for cell in ran),
        seconds=seconds,
        numbers=printed_numbers(cells),
        error=SURROGATE.sub("\N{REPLACEMENT CHARACTER}", failure.error) if failure else None,
        kind=failure.kind if failure else "passed",
        cell=stopped.number if stopped else None,
    )


def explain(verdict: NotebookVerdict) -> str:
    """Return a paragraph: what happened, and what to change."""
    if verdict.error is None:
        counts = (
            _counted(verdict.cells, "code cell"),
            _counted(verdict.figures, "figure"),
            _counted(len(verdict.numbers), "number"),
        )
        return "{} ran in {:.1f} s: {}, {}.".format(counts[0], verdict.seconds, *counts[1:])
    return f"{verdict.error}. {ADVICE[verdict.kind]}"


def same_numbers(first: Sequence[float], second: Sequence[float]) -> str | None:
    """Return None if two machines printed the same numbers, else a sentence about the first gap."""
    for place, (one, other) in enumerate(zip(first, second, strict=False), start=1):
        if not math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE):
            counts = f"{len(first)}" if len(first) == len(second) else f"{len(first)}/{len(second)}"
            return f"Number {place} of {counts} differs: {one:.12g} and {other:.12g}"
    if len(first) != len(second):
        return f"The one printed {len(first)} numbers, the other {len(second)}"
    return None


def _find_end(
    cells: tuple[CodeCell, ...],
    wanted: Notebook,
    *,
    exit_code: int,
    seconds: float,
    oom_kills: int,
) -> Failure | None:
    """Return how the run was cut off: by the clock, by a dying kernel, by a kill."""
    began = [cell for cell in cells if cell.has_begun]
    last = began[-1] if began else None
    memory = "; the machine had run out of memory" if oom_kills > 0 else ""
    if exit_code == TIME_LIMIT or (exit_code == KILLED and seconds >= wanted.timeout_seconds):
        where = last.title if last else "its kernel's start"
        error = f"After {wanted.timeout_seconds} seconds, its time limit, it was still in {where}"
        return Failure("timed_out", last, error)
    if exit_code == DEAD_KERNEL:
        where = f"in {last.title}" if last else "before the first cell"
        return Failure("dead_kernel", last, f"The kernel died {where}{memory}")
    if exit_code == KILLED:
        return Failure("papermill_failed", None, f"papermill was killed{memory}")
    return None


def _find_error(cells: tuple[CodeCell, ...], *, exit_code: int) -> Failure | None:
    """Return the cell whose exception ended the notebook."""
    for cell in cells if exit_code else ():
        if cell.error is None:
            continue
        name, message = cell.error
        if name == "ModuleNotFoundError" and "'" in message:
            module = message.split("'")[1].split(".")[0]
            error = f"{cell.title} needs the module {module}, which is not installed"
            return Failure("missing_module", cell, _capitalised(error))
        error = f"{cell.title} ended with {name}: {message[:300]}".removesuffix(": ")
        return Failure("cell_error", cell, _capitalised(error))
    return None


def _find_unfit(notebook: dict[str, Any], wanted: Notebook, *, language: str) -> Failure | None:
    """Return why what ran, or was to run, is not what the recipe means by it."""
    if language and (error := find_other_language(notebook, wanted.kernel, language)):
        return Failure("other_language", None, error)
    kernel = wanted.kernel
    known = language or next(iter(stated_languages(notebook)), kernel)
    error = find_idle_parameters(notebook, wanted.parameters, kernel=kernel, language=known)
    return Failure("idle_parameters", None, error) if error else None


def _find_refusal(
    wanted: Notebook, *, exit_code: int, log: str, kernels: Sequence[str]
) -> Failure | None:
    """Return why papermill ended badly although no cell did."""
    if exit_code == 0:
        return None
    if "NoSuchKernel" in log or (kernels and wanted.kernel not in kernels):
        there = f"; it has {', '.join(kernels)}" if kernels else ""
        error = f"The machine has no kernel named {wanted.kernel}{there}"
        return Failure("missing_kernel", None, error)
    if "Kernel died before replying" in log:
        return Failure("dead_kernel", None, "The kernel died before the first cell")
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    words = f": {lines[-1][:300]}" if lines else ""
    return Failure("papermill_failed", None, f"papermill ended with exit code {exit_code}{words}")


def _find_shortage(cells: tuple[CodeCell, ...], wanted: Notebook) -> Failure | None:
    """Return what is missing from a notebook that ended well."""
    due = [cell for cell in cells if "skip-execution" not in cell.tags]
    skipped = [cell for cell in due if not cell.has_count]
    ran = _finished(cells, None)
    figures = sum(cell.figures for cell in ran)
    if skipped:
        error = f"It ended early: {skipped[0].title} and {len(skipped) - 1} more did not run"
        return Failure("too_little", None, error.replace(" and 0 more", ""))
    if len(ran) < wanted.minimum_cells:
        error = f"{_counted(len(ran), 'code cell')} ran, the recipe asks for {wanted.minimum_cells}"
        return Failure("too_little", None, error)
    if figures < wanted.minimum_figures:
        error = (
            f"It drew {_counted(figures, 'figure')}, the recipe asks for {wanted.minimum_figures}"
            + tell_uncounted(output for cell in ran for output in cell.outputs)
        )
        return Failure("too_little", None, error)
    if wanted.verdict and not any(wanted.verdict in printed_text(cell) for cell in cells):
        return Failure("no_verdict", None, f"Nothing that it printed contains “{wanted.verdict}”")
    return None


def _finished(cells: tuple[CodeCell, ...], stopped: CodeCell | None) -> list[CodeCell]:
    """Return the notebook's own cells that ran to their end."""
    return [
        cell
        for cell in cells
        if cell.has_count and cell is not stopped and "injected-parameters" not in cell.tags
    ]


def _counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural where it must be."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _capitalised(sentence: str) -> str:
    """Return a sentence with a capital at its head."""
    return sentence[:1].upper() + sentence[1:]
