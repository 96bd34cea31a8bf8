"""When a notebook passes, and how each kind of failure is distinguished."""

import json
from typing import Any

import pytest

from notebake.notebook.judge import describe_verdict, judge_notebook
from notebake.notebook.verdict import ExecutionStatus, NotebookVerdict
from notebake.recipe import Notebook
from tests.executed_notebooks import PICTURE, cell, error, notebook, printed, returned, shown


def verdict_of(executed: str, exit_code: int = 0, **extra: Any) -> NotebookVerdict:
    wanted = Notebook(**{"minimum_cells": 1, "minimum_figures": 0} | extra.pop("wanted", {}))
    return judge_notebook(
        executed,
        wanted,
        ExecutionStatus(exit_code=exit_code, seconds=extra.pop("seconds", 2.0), **extra),
    )


def test_a_notebook_that_meets_every_requirement_passes() -> None:
    executed = notebook(
        cell("draw()", shown(content=PICTURE)), cell("a"), cell("print()", printed("All is WELL"))
    )

    verdict = verdict_of(
        executed, wanted={"minimum_cells": 3, "minimum_figures": 1, "verdict": "is WELL"}
    )

    assert (verdict.error, verdict.kind, verdict.cell) == (None, "passed", None)
    assert (verdict.cells, verdict.figures, verdict.numbers) == (3, 1, ())
    assert describe_verdict(verdict) == "3 code cells ran in 2.0 s: 1 figure, 0 numbers."


@pytest.mark.parametrize(
    "content",
    [
        {"image/png": "AA=="},
        {"image/jpeg": "AA=="},
        {"image/svg+xml": ["<svg/>"]},
        {"application/vnd.plotly.v1+json": {"data": []}},
        {"application/vnd.vegalite.v5+json": {"mark": "bar"}},
        {"text/html": ["<p><IMG alt='x'\n", " src='data:image/png;base64,AA=='></p>"]},
    ],
    ids=lambda content: next(iter(content)),
)
@pytest.mark.parametrize("kind", ["display_data", "execute_result"])
def test_each_picture_format_is_one_figure(kind: str, content: dict[str, Any]) -> None:
    both = shown(kind, content=content | {"text/plain": "<Figure size 640x480 with 1 Axes>"})

    verdict = verdict_of(notebook(cell("draw()", both)))

    assert (verdict.figures, verdict.numbers) == (1, ())


@pytest.mark.parametrize(
    "content",
    [
        {"text/plain": "<Axes: >"},
        {"image/png": ""},
        {"text/html": "<table><svg class='icon'/></table>"},
        {"text/html": "<img src='https://example.org/data:image/x.png'>"},
        {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}},
    ],
)
def test_outputs_without_a_picture_are_not_figures(content: dict[str, Any]) -> None:
    assert verdict_of(notebook(cell("draw()", shown(content=content)))).figures == 0


def test_a_missing_module_is_distinguished_from_other_import_errors() -> None:
    missing = error("ModuleNotFoundError", "No module named 'xarray'")
    broken = error("ImportError", "cannot import name 'x' from 'y'\n\x1b[31m(y.py)\x1b[0m")

    first = verdict_of(notebook(cell("# why\n\nimport xarray.core as c", missing)), 1)
    second = verdict_of(notebook(cell("from y import x", broken)), 1)

    assert first.error == (
        "Cell 1 (`import xarray.core as c`) needs the module xarray, which is not installed"
    )
    assert (first.kind, first.cells) == ("missing_module", 0)
    assert "Add the package that has it to software.packages" in describe_verdict(first)
    assert second.kind == "cell_error"
    assert second.error == (
        "Cell 1 (`from y import x`) ended with ImportError: cannot import name 'x' from 'y' (y.py)"
    )


def test_an_error_message_stays_one_line() -> None:
    long = cell("work(" + "x" * 200 + ")", error("ValueError", "one\ntwo " + "y" * 1000))

    message = str(verdict_of(notebook(long), 1).error)

    assert "\n" not in message
    assert len(message) < 420


def test_a_kernel_killed_for_memory_is_reported() -> None:
    executed = notebook(cell("a"), cell("load()"), cell("never", ran=False))

    verdict = verdict_of(executed, 138, oom_kills=1)

    assert verdict.kind == "dead_kernel"
    assert verdict.error == (
        "The kernel died in cell 2 (`load()`); the machine had run out of memory"
    )
    assert (verdict.cell, verdict.cells) == (2, 1)


@pytest.mark.parametrize(("exit_code", "seconds"), [(124, 600.2), (137, 620.0)])
def test_the_time_limit_names_the_cell_that_was_running(exit_code: int, seconds: float) -> None:
    interrupted = cell("wait()", error("KeyboardInterrupt", ""))

    verdict = verdict_of(notebook(cell("a"), interrupted), exit_code, seconds=seconds)

    assert verdict.kind == "timed_out"
    assert verdict.error == ("After 600 seconds, its time limit, it was still in cell 2 (`wait()`)")


def test_a_kill_before_the_time_limit_is_not_a_timeout() -> None:
    verdict = verdict_of(notebook(cell("a", ran=False)), 137, oom_kills=2)

    assert verdict.kind == "papermill_failed"
    assert verdict.error == "papermill was killed; the machine had run out of memory"


@pytest.mark.parametrize(
    "known", [{"kernels": ["bash", "python3"]}, {"log": "…\nNoSuchKernel: No such kernel named ir"}]
)
def test_a_missing_kernel_is_named(known: dict[str, Any]) -> None:
    executed = notebook(cell("a", ran=False))

    verdict = verdict_of(executed, 1, wanted={"kernel": "ir"}, **known)

    there = "; it has bash, python3" if "kernels" in known else ""
    assert verdict.kind == "missing_kernel"
    assert verdict.error == f"The machine has no kernel named ir{there}"


def test_a_papermill_failure_includes_its_last_output() -> None:
    executed = notebook(cell("a", ran=False))

    verdict = verdict_of(
        executed, 1, log="Traceback …\nOSError: disk full\n\n", kernels=["python3"]
    )

    assert verdict.kind == "papermill_failed"
    assert verdict.error == "papermill ended with exit code 1: OSError: disk full"


@pytest.mark.parametrize("executed", ["", "{", "[]", "null", '{"cells": 3}', '{"cells": [{}]}'])
def test_a_file_that_is_not_a_notebook_proves_nothing(executed: str) -> None:
    verdict = verdict_of(executed)

    assert verdict.kind == "papermill_failed"
    assert verdict.error is not None


def test_too_few_cells_or_figures_do_not_pass() -> None:
    executed = notebook(
        cell("parameter = 1", tags=["injected-parameters"]), cell("a"), cell(" \n", ran=False)
    )

    cells = verdict_of(executed, wanted={"minimum_cells": 2})
    figures = verdict_of(executed, wanted={"minimum_figures": 2})

    assert (cells.kind, cells.error) == (
        "too_little",
        "1 code cell ran, the recipe asks for 2",
    )
    assert (figures.kind, figures.error) == (
        "too_little",
        "It drew 0 figures, the recipe asks for 2",
    )


def test_a_notebook_that_exits_early_does_not_pass() -> None:
    leaves = cell("import sys; sys.exit()", error("SystemExit", ""))
    executed = notebook(cell("a"), leaves, cell("b", ran=False), cell("c", ran=False))

    verdict = verdict_of(executed)

    assert verdict.kind == "too_little"
    assert verdict.error == (
        "It ended early: cell 2 (`import sys; sys.exit()`) ended it by SystemExit, and cell 3 (`b`)"
        " and 1 more did not run"
    )


def test_a_skipped_cell_need_not_run() -> None:
    skipped = cell("b", ran=False, tags=["skip-execution"])

    assert verdict_of(notebook(cell("a"), skipped, cell("c"))).error is None


@pytest.mark.parametrize(
    "elsewhere",
    [
        cell("print('PASS')"),
        cell("a", printed("PASS", name="stderr")),
        cell("a", shown(content=PICTURE | {"text/plain": "PASS"})),
    ],
)
def test_a_verdict_counts_only_if_it_was_printed(elsewhere: dict[str, Any]) -> None:
    verdict = verdict_of(notebook(elsewhere), wanted={"verdict": "PASS"})

    assert verdict.kind == "no_verdict"
    assert verdict.error == "Nothing that it printed contains “PASS”"


def test_a_bad_exit_code_is_never_a_pass() -> None:
    executed = notebook(cell("print('PASS')", printed("PASS")))

    verdict = verdict_of(executed, 1, wanted={"verdict": "PASS"})

    assert verdict.kind == "papermill_failed"


MALFORMED: tuple[object, ...] = (None, 3, "x", [], {}, [3], [[]], {"data": None}, "\udce9", True)


def places(part: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything in a notebook."""
    inner: list[tuple[Any, ...]] = []
    if isinstance(part, dict):
        inner = [each for key in part for each in places(part[key], (*path, key))]
    if isinstance(part, list):
        inner = [each for key, child in enumerate(part) for each in places(child, (*path, key))]
    return [path, *inner]


def replaced(part: Any, path: tuple[Any, ...], value: object) -> Any:
    """Return the notebook with another value at a path."""
    if not path:
        return value
    copied = part.copy()
    copied[path[0]] = replaced(part[path[0]], path[1:], value)
    return copied


def test_the_judge_never_raises_for_malformed_notebooks() -> None:
    sound = json.loads(
        notebook(
            cell("draw()", shown(content=PICTURE), printed("1 2"), tags=["parameters"]),
            cell("2", returned("3"), error("ValueError", "no")),
        )
    )
    wanted = {"parameters": {"depth": 5}, "verdict": "x"}
    tried = 0
    for path in places(sound):
        for value in MALFORMED:
            executed = json.dumps(replaced(sound, path, value))
            for exit_code in (0, 1, 65, 138):
                verdict = verdict_of(executed, exit_code, wanted=wanted, language="python")
                assert verdict.error, (path, value)
                verdict.model_dump_json()
                tried += 1

    assert tried > 1000


@pytest.mark.parametrize("executed", ["{}", "[]", "3", "", "[" * 99999, '{"cells": 3}'])
def test_an_invalid_notebook_is_judged_invalid(executed: str) -> None:
    verdict = verdict_of(executed)

    assert (verdict.kind, verdict.cells) == ("papermill_failed", 0)
    assert "not a notebook of format 4" in str(verdict.error)


def test_a_lone_surrogate_in_an_error_does_not_prevent_the_verdict() -> None:
    failing = notebook(cell("open('f\udce9')", error("OSError", "no f\udce9.nc")))

    verdict = verdict_of(failing, exit_code=1)

    assert "ended with OSError: no f\N{REPLACEMENT CHARACTER}.nc" in str(verdict.error)
    assert verdict.model_dump_json().encode()
