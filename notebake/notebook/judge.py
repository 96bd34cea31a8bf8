"""What an executed notebook proves, and if it proves nothing, why not.

Success is stated, never inferred: the cells must have run, the figures must be there, and the
verdict must have been printed. Each way to fail is told apart, since each is mended elsewhere.
"""

from collections.abc import Sequence
from typing import Any

from notebake.humanize import pluralize
from notebake.notebook.advice import ADVICE_BY_KIND
from notebake.notebook.failure import Failure, find_error, other_kernel_note
from notebake.notebook.figures import format_uncounted
from notebake.notebook.html import printable
from notebake.notebook.language import find_language_mismatch, stated_languages
from notebake.notebook.numbers import result_numbers
from notebake.notebook.outputs import CodeCell, ExecutedNotebook, read_executed, result_text
from notebake.notebook.parameters import find_ineffective_parameters
from notebake.notebook.verdict import NotebookVerdict
from notebake.recipe import Notebook

PAPERMILLS_ERROR = "PapermillExecutionError"
"""How papermill ends for every error that a cell shows (papermill/execute.py, 2.7)."""
TIME_LIMIT, KILLED, DEAD_KERNEL = 124, 137, 138
"""Exit codes: of timeout, of timeout when it had to kill, of papermill (papermill/cli.py)."""


def judge_notebook(
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
        notebook = read_executed(executed)
    except ValueError:
        error = "The executed notebook cannot be read: it is no notebook of format 4"
        return NotebookVerdict(
            cells=0, figures=0, seconds=seconds, error=error, kind="papermill_failed"
        )
    cells = notebook.cells
    failure = (
        _find_end(cells, wanted, exit_code=exit_code, seconds=seconds, oom_kills=oom_kills)
        or (find_error(notebook, wanted.kernel) if exit_code else None)
        or _find_unfit(notebook.written, wanted, language=language)
        or _find_refusal(notebook, wanted, exit_code=exit_code, log=log, kernels=kernels)
        or _find_shortage(cells, wanted)
    )
    stopped = failure.cell if failure else None
    ran = _finished(cells, stopped)
    return NotebookVerdict(
        cells=len(ran),
        figures=sum(cell.figures for cell in ran),
        seconds=seconds,
        numbers=tuple(float(one) for cell in result_numbers(notebook) for one in cell.numbers),
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
    return f"{verdict.error}. {verdict.advice or ADVICE_BY_KIND[verdict.kind]}"


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


def _find_unfit(notebook: dict[str, Any], wanted: Notebook, *, language: str) -> Failure | None:
    """Return why what ran, or was to run, is not what the recipe means by it."""
    if language and (error := find_language_mismatch(notebook, wanted.kernel, language)):
        return Failure("other_language", None, error)
    kernel = wanted.kernel
    known = language or next(iter(stated_languages(notebook)), kernel)
    error = find_ineffective_parameters(notebook, wanted.parameters, kernel=kernel, language=known)
    return Failure("idle_parameters", None, error) if error else None


def _find_refusal(
    notebook: ExecutedNotebook,
    wanted: Notebook,
    *,
    exit_code: int,
    log: str,
    kernels: Sequence[str],
) -> Failure | None:
    """Return why papermill ended badly although no cell did.

    It also does for an error that its cell is tagged for, after all cells have run.
    """
    was_expected = any(one.raised for one in notebook.cells) and (
        not log or PAPERMILLS_ERROR in log
    )
    if exit_code == 0 or (exit_code == 1 and was_expected):
        return None
    if "NoSuchKernel" in log or (kernels and wanted.kernel not in kernels):
        there = f"; it has {', '.join(kernels)}" if kernels else ""
        error = f"The machine has no kernel named {wanted.kernel}{there}"
        note = other_kernel_note(notebook, wanted.kernel)
        return Failure(
            "missing_kernel", None, error, note and f"{ADVICE_BY_KIND['missing_kernel']} {note}"
        )
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
