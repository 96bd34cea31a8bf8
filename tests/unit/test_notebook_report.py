"""What counts as proof, and how each way to fail is told apart."""

import json
from typing import Any

import pytest

from notebake.notebook_report import explain, judge, same_numbers
from notebake.recipe import Notebook
from notebake.records import NotebookVerdict

PICTURE = {"image/png": "iVBORw0KGgo=", "text/plain": ["<Figure size 640x480 with 1 Axes>"]}


def cell(source: str, *outputs: dict[str, Any], ran: bool = True, **extra: Any) -> dict[str, Any]:
    """Return an executed code cell; its number is set by `notebook`."""
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": extra.get("tags", []), "papermill": {"status": "completed"}},
        "execution_count": 1 if ran else None,
        "outputs": list(outputs),
    }


def notebook(*cells: dict[str, Any]) -> str:
    """Return an executed notebook, with a heading that is no code cell."""
    count = 0
    for one in cells:
        if one["execution_count"]:
            count += 1
            one["execution_count"] = count
    heading = {"cell_type": "markdown", "source": ["# 2026\n"], "metadata": {}}
    return json.dumps({"cells": [heading, *cells], "metadata": {}, "nbformat": 4})


def printed(text: str | list[str], name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(kind: str = "display_data", **content: Any) -> dict[str, Any]:
    return {"output_type": kind, "metadata": {}, "data": content.get("content", content)}


def returned(text: str) -> dict[str, Any]:
    return shown("execute_result", content={"text/plain": text})


def error(name: str, message: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": []}


def verdict_of(executed: str, exit_code: int = 0, **extra: Any) -> NotebookVerdict:
    wanted = Notebook(**{"minimum_cells": 1, "minimum_figures": 0} | extra.pop("wanted", {}))
    return judge(executed, wanted, exit_code=exit_code, seconds=extra.pop("seconds", 2.0), **extra)


def numbers_of(*outputs: dict[str, Any], **extra: Any) -> tuple[float, ...]:
    return verdict_of(notebook(cell("x", *outputs, **extra))).numbers


def test_all_that_is_wanted_makes_a_pass() -> None:
    executed = notebook(
        cell("draw()", shown(content=PICTURE)), cell("a"), cell("print()", printed("All is WELL"))
    )

    verdict = verdict_of(
        executed, wanted={"minimum_cells": 3, "minimum_figures": 1, "verdict": "is WELL"}
    )

    assert (verdict.error, verdict.kind, verdict.cell) == (None, "passed", None)
    assert (verdict.cells, verdict.figures, verdict.numbers) == (3, 1, ())
    assert explain(verdict) == "3 code cells ran in 2.0 s: 1 figure, 0 numbers."


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
def test_each_way_to_hold_a_picture_is_one_figure(kind: str, content: dict[str, Any]) -> None:
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
def test_what_is_no_picture_is_no_figure(content: dict[str, Any]) -> None:
    assert verdict_of(notebook(cell("draw()", shown(content=content)))).figures == 0


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("mean -1.5e-3 mg", (-1.5e-3,)),
        ("1, 2.50; (+3) [.5] 6.", (1, 2.5, 3, 0.5, 6)),
        ("2023-04-28", (2023, 4, 28)),
        ("a\N{MINUS SIGN}b = \N{MINUS SIGN}4", (-4,)),
        ("float64 py3 x_1 v2.1", ()),
        ("<Axes at 0x7f3a55e0> 7", (7,)),
        ("nan inf 1e999", ()),
        ("\x1b[32m12\x1b[0m", (12,)),
        ("10%\r55%\r100% done", (100,)),
        ("12\r\n13\r\n", (12, 13)),
        ("CPU times: user 3 ms, sys: 2 ms, total: 5 ms\nWall time: 4.2 ms\n8", (8,)),
        ("1.21 µs ± 3 ns per loop (mean ± std. dev. of 7 runs, 100 loops each)", ()),
        ("x=3m depth:20m", (3, 20)),
    ],
)
def test_numbers_are_read_as_a_person_reads_them(text: str, numbers: tuple[float, ...]) -> None:
    assert numbers_of(printed(text)) == numbers


def test_only_what_a_notebook_says_is_compared() -> None:
    assert numbers_of(printed("1 "), printed(["2\n", "3\n"]), returned("array([4., 5.])")) == (
        *(1, 2, 3),
        *(4, 5),
    )
    assert numbers_of(printed("9", name="stderr"), shown(content={"text/plain": "8"})) == ()
    assert numbers_of(printed("1"), tags=["volatile"]) == ()


def test_numbers_are_the_same_within_rounding() -> None:
    assert same_numbers((1.0, 1e6, 0.0), (1.0 + 5e-7, 1e6 + 0.5, 1e-13)) is None
    assert same_numbers((), ()) is None


def test_the_first_number_that_differs_is_named_with_both_values() -> None:
    assert same_numbers((1, 2, 3), (1, 2.00001, 4)) == "Number 2 of 3 differs: 2 and 2.00001"
    assert same_numbers((1, 2), (1, 3, 4)) == "Number 2 of 2/3 differs: 2 and 3"


def test_fewer_numbers_are_not_the_same() -> None:
    assert same_numbers((1, 2), (1,)) == "The one printed 2 numbers, the other 1"


def test_a_missing_module_is_told_apart_from_other_import_errors() -> None:
    missing = error("ModuleNotFoundError", "No module named 'xarray.core'")
    broken = error("ImportError", "cannot import name 'x' from 'y'\n\x1b[31m(y.py)\x1b[0m")

    first = verdict_of(notebook(cell("# why\n\nimport xarray.core as c", missing)), 1)
    second = verdict_of(notebook(cell("from y import x", broken)), 1)

    assert first.error == (
        "Cell 1 (`import xarray.core as c`) needs the module xarray, which is not installed"
    )
    assert (first.kind, first.cells) == ("missing_module", 0)
    assert "Add the package that has this module to software.packages" in explain(first)
    assert second.kind == "cell_error"
    assert second.error == (
        "Cell 1 (`from y import x`) ended with ImportError: cannot import name 'x' from 'y' (y.py)"
    )


def test_an_error_message_stays_one_line() -> None:
    long = cell("work(" + "x" * 200 + ")", error("ValueError", "one\ntwo " + "y" * 1000))

    message = str(verdict_of(notebook(long), 1).error)

    assert "\n" not in message
    assert len(message) < 420


def test_a_dead_kernel_for_want_of_memory_says_so() -> None:
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


def test_a_kill_before_the_time_limit_is_no_time_out() -> None:
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


def test_papermill_s_own_failure_carries_its_last_words() -> None:
    executed = notebook(cell("a", ran=False))

    verdict = verdict_of(
        executed, 1, log="Traceback …\nOSError: disk full\n\n", kernels=["python3"]
    )

    assert verdict.kind == "papermill_failed"
    assert verdict.error == "papermill ended with exit code 1: OSError: disk full"


@pytest.mark.parametrize("executed", ["", "{", "[]", "null", '{"cells": 3}', '{"cells": [{}]}'])
def test_what_is_no_notebook_proves_nothing(executed: str) -> None:
    verdict = verdict_of(executed)

    assert verdict.kind == "papermill_failed"
    assert verdict.error is not None


def test_too_few_cells_or_figures_are_no_proof() -> None:
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


def test_a_notebook_that_leaves_early_without_an_error_is_no_proof() -> None:
    leaves = cell("import sys; sys.exit()", error("SystemExit", ""))
    executed = notebook(cell("a"), leaves, cell("b", ran=False), cell("c", ran=False))

    verdict = verdict_of(executed)

    assert verdict.kind == "too_little"
    assert verdict.error == "It ended early: cell 3 (`b`) and 1 more did not run"


def test_a_cell_that_is_to_be_skipped_need_not_run() -> None:
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
def test_a_verdict_counts_only_where_it_was_printed(elsewhere: dict[str, Any]) -> None:
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
        inner = [each for key, one in enumerate(part) for each in places(one, (*path, key))]
    return [path, *inner]


def replaced(part: Any, path: tuple[Any, ...], value: object) -> Any:
    """Return the notebook with another value at a path."""
    if not path:
        return value
    copied = part.copy()
    copied[path[0]] = replaced(part[path[0]], path[1:], value)
    return copied


def test_the_judge_never_raises_whatever_stands_where_in_a_notebook() -> None:
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
def test_what_is_no_notebook_is_judged_so(executed: str) -> None:
    verdict = verdict_of(executed)

    assert (verdict.kind, verdict.cells) == ("papermill_failed", 0)
    assert "no notebook of format 4" in str(verdict.error)


def test_half_a_character_in_an_error_does_not_keep_the_verdict_from_being_written() -> None:
    failing = notebook(cell("open('f\udce9')", error("OSError", "no f\udce9.nc")))

    verdict = verdict_of(failing, exit_code=1)

    assert "ended with OSError: no f\N{REPLACEMENT CHARACTER}.nc" in str(verdict.error)
    assert verdict.model_dump_json().encode()
