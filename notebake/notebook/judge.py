"""Judges what an executed notebook proves, and why if it failed.

A notebook passes only on positive evidence: its cells ran, its figures exist, and its verdict was
printed. The kinds of failure are distinguished, as each is corrected elsewhere.
"""

from typing import Any

from notebake.humanize import pluralize
from notebake.notebook.advice import ADVICE_BY_KIND
from notebake.notebook.code_cell import CodeCell
from notebake.notebook.early_end import explain_dead_kernel, find_early_end
from notebake.notebook.failure import Failure, find_error, other_kernel_note
from notebake.notebook.figures import format_uncounted
from notebake.notebook.html import printable
from notebake.notebook.language import find_language_mismatch, stated_languages
from notebake.notebook.numbers import result_numbers
from notebake.notebook.outputs import ExecutedNotebook, read_executed, result_text
from notebake.notebook.parameters import find_ineffective_parameters
from notebake.notebook.verdict import ExecutionStatus, NotebookVerdict
from notebake.recipe import Notebook

PAPERMILL_ERROR = "PapermillExecutionError"
"""How papermill ends for every error in a cell (papermill/execute.py, 2.7)."""
TIME_LIMIT, KILLED, DEAD_KERNEL = 124, 137, 138
"""Exit codes: of timeout, of timeout after SIGKILL, of papermill (papermill/cli.py)."""


def judge_notebook(executed: str, wanted: Notebook, status: ExecutionStatus) -> NotebookVerdict:
    """Return the verdict on an executed notebook; never raises, whatever `executed` is."""
    try:
        notebook = read_executed(executed)
    except ValueError:
        error = "The executed notebook cannot be read: it is not a notebook of format 4"
        return NotebookVerdict(
            cells=0, figures=0, seconds=status.seconds, error=error, kind="papermill_failed"
        )
    failure = (
        _find_interruption(notebook.cells, wanted, status)
        or (find_error(notebook, wanted.kernel) if status.exit_code else None)
        or _find_mismatch(notebook.document, wanted, status.language)
        or _find_papermill_error(notebook, wanted, status)
        or _find_missing_proof(notebook.cells, wanted)
    )
    stopped = failure.cell if failure else None
    ran = _finished(notebook.cells, stopped)
    return NotebookVerdict(
        cells=len(ran),
        figures=sum(cell.figures for cell in ran),
        seconds=status.seconds,
        numbers=tuple(float(text) for cell in result_numbers(notebook) for text in cell.numbers),
        error=printable(failure.error) if failure else None,
        kind=failure.kind if failure else "passed",
        cell=stopped.number if stopped else None,
        advice=printable(failure.advice) if failure else "",
    )


def describe_verdict(verdict: NotebookVerdict) -> str:
    """Return a paragraph: what happened, and what to change."""
    if verdict.error is None:
        counts = (
            pluralize(verdict.cells, "code cell"),
            pluralize(verdict.figures, "figure"),
            pluralize(len(verdict.numbers), "number"),
        )
        return "{} ran in {:.1f} s: {}, {}.".format(counts[0], verdict.seconds, *counts[1:])
    return f"{verdict.error.removesuffix('.')}. {verdict.advice or ADVICE_BY_KIND[verdict.kind]}"


def _find_interruption(
    cells: tuple[CodeCell, ...], wanted: Notebook, status: ExecutionStatus
) -> Failure | None:
    """Return the failure if the time limit, a dead kernel or a kill ended the execution."""
    begun = [cell for cell in cells if cell.has_begun]
    last = begun[-1] if begun else None
    memory = "; the machine had run out of memory" if status.oom_kills > 0 else ""
    timed_out = status.exit_code == KILLED and status.seconds >= wanted.timeout_seconds
    if status.exit_code == TIME_LIMIT or timed_out:
        where = last.title if last else "its kernel's start"
        error = f"After {wanted.timeout_seconds} seconds, its time limit, it was still in {where}"
        return Failure("timed_out", last, error)
    if status.exit_code == DEAD_KERNEL:
        return explain_dead_kernel(begun, memory)
    if status.exit_code == KILLED:
        return Failure("papermill_failed", None, f"papermill was killed{memory}")
    return None


def _find_mismatch(document: dict[str, Any], wanted: Notebook, language: str) -> Failure | None:
    """Return the failure if the kernel's language or the parameters do not fit the notebook."""
    if language and (error := find_language_mismatch(document, wanted.kernel, language)):
        return Failure("other_language", None, error)
    kernel = wanted.kernel
    known = language or next(iter(stated_languages(document)), kernel)
    error = find_ineffective_parameters(document, wanted.parameters, kernel=kernel, language=known)
    return Failure("idle_parameters", None, error) if error else None


def _find_papermill_error(
    notebook: ExecutedNotebook, wanted: Notebook, status: ExecutionStatus
) -> Failure | None:
    """Return the failure if papermill failed although no cell did.

    papermill also ends with 1, after all cells, for an error that a cell is tagged to expect.
    """
    was_expected = any(cell.raised for cell in notebook.cells) and (
        not status.log or PAPERMILL_ERROR in status.log
    )
    if status.exit_code == 0 or (status.exit_code == 1 and was_expected):
        return None
    if "NoSuchKernel" in status.log or (status.kernels and wanted.kernel not in status.kernels):
        there = f"; it has {', '.join(status.kernels)}" if status.kernels else ""
        error = f"The machine has no kernel named {wanted.kernel}{there}"
        note = other_kernel_note(notebook, wanted.kernel)
        advice = note and f"{ADVICE_BY_KIND['missing_kernel']} {note}"
        return Failure("missing_kernel", None, error, advice)
    if "Kernel died before replying" in status.log:
        return Failure("dead_kernel", None, "The kernel died before the first cell")
    lines = [line.strip() for line in status.log.splitlines() if line.strip()]
    last = f": {lines[-1][:300]}" if lines else ""
    error = f"papermill ended with exit code {status.exit_code}{last}"
    return Failure("papermill_failed", None, error)


def _find_missing_proof(cells: tuple[CodeCell, ...], wanted: Notebook) -> Failure | None:
    """Return the failure if a notebook without errors proves less than the recipe asks for."""
    due = [cell for cell in cells if "skip-execution" not in cell.tags]
    if failure := find_early_end(due):
        return failure
    ran = _finished(cells, None)
    figures = sum(cell.figures for cell in ran)
    if len(ran) < wanted.minimum_cells:
        error = (
            f"{pluralize(len(ran), 'code cell')} ran, the recipe asks for {wanted.minimum_cells}"
        )
        return Failure("too_little", None, error)
    if figures < wanted.minimum_figures:
        error = (
            f"It drew {pluralize(figures, 'figure')}, the recipe asks for {wanted.minimum_figures}"
            + format_uncounted(output for cell in ran for output in cell.outputs)
        )
        return Failure("too_little", None, error)
    if wanted.verdict and not any(wanted.verdict in result_text(cell) for cell in cells):
        return Failure("no_verdict", None, f"Nothing that it printed contains “{wanted.verdict}”")
    return None


def _finished(cells: tuple[CodeCell, ...], stopped: CodeCell | None) -> list[CodeCell]:
    """Return the notebook's own cells that ran to their end."""
    return [
        cell
        for cell in cells
        if cell.has_count and cell is not stopped and "injected-parameters" not in cell.tags
    ]
