"""Reports of a failed notebook: the failing line, the cause, and what to change."""

import json
from typing import Any

import pytest

from notebake.notebook.judge import describe_verdict
from notebake.notebook.verdict import NotebookVerdict
from tests.executed_notebooks import cell, error, notebook, printed
from tests.unit.test_notebook_report import verdict_of

SOURCES = (
    "def inner(x):\n    return 1 / x\n\ndef outer(x):\n    return inner(x)",
    "y = 2\nouter(0)",
)
NEW = [
    "\x1b[31m---------\x1b[39m",
    "ZeroDivisionError   Traceback (most recent call last)",
    "\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[2]\x1b[39m\x1b[32m, line 2\x1b[39m\n"
    "\x1b[32m      1\x1b[39m y = 2\n\x1b[32m----> \x1b[39m\x1b[32m2\x1b[39m outer(0)\n",
    "Cell In[1], line 5, in outer(x)\n      4 def outer(x):\n----> 5     return inner(x)\n",
    "Cell In[1], line 2, in inner(x)\n----> 2     return 1 / x\n",
    "ZeroDivisionError: division by zero",
]
OF_8_0 = [
    "Input In [2], in <cell line: 2>()\n      1 y = 2\n----> 2 outer(0)\n",
    "Input In [1], in outer(x)\n      4 def outer(x):\n----> 5     return inner(x)\n",
    "Input In [1], in inner(x)\n      1 def inner(x):\n----> 2     return 1 / x\n",
]
OF_7 = [
    "<ipython-input-2-0c2a3e0b9e1d> in <module>\n      1 y = 2\n----> 2 outer(0)\n",
    "<ipython-input-1-aa2a3e0b9e1d> in outer(x)\n----> 5     return inner(x)",
    "<ipython-input-1-aa2a3e0b9e1d> in inner(x)\n----> 2     return 1 / x\n",
]
RAISED = "Cell 2, line 2 (`outer(0)`) ended with ZeroDivisionError: division by zero"


def failing(*outputs: dict[str, Any], sources: tuple[str, ...] = SOURCES) -> NotebookVerdict:
    """Return the verdict on a notebook whose last cell failed."""
    cells = [cell(source) for source in sources[:-1]]
    return verdict_of(notebook(*cells, cell(sources[-1], *outputs)), 1)


@pytest.mark.parametrize("traceback", [NEW, OF_8_0, OF_7], ids=["8.7 on", "8.0", "7"])
def test_the_line_that_failed_is_named_and_the_one_that_raised_it(traceback: list[str]) -> None:
    raised = error("ZeroDivisionError", "division by zero") | {"traceback": traceback}

    verdict = failing(raised)

    assert verdict.error == f"{RAISED}, raised in cell 1, line 2 (`return 1 / x`)"
    assert verdict.cell == 2


def test_a_syntax_error_is_where_python_says() -> None:
    traceback = ["  Cell In[2], line 2\n    x = = 3\n        ^\nSyntaxError: invalid syntax\n"]
    raised = error("SyntaxError", "invalid syntax (1234.py, line 2)") | {"traceback": traceback}

    verdict = failing(raised, sources=("a", "y = 2\nx = = 3"))

    assert str(verdict.error).startswith("Cell 2, line 2 (`x = = 3`) ended with SyntaxError: ")


def test_an_error_without_a_traceback_names_the_cell() -> None:
    verdict = failing(error("ZeroDivisionError", "division by zero"))

    assert verdict.error == "Cell 2 (`y = 2`) ended with ZeroDivisionError: division by zero"


def test_an_error_of_a_file_names_the_line_of_the_cell() -> None:
    traceback = [
        "Cell In[2], line 2\n----> 2 outer(0)\n",
        "File /opt/notebake/python/lib/python3.11/site-packages/pandas/core/frame.py:12, in f(x)\n"
        "---> 12     raise KeyError(x)\n",
    ]

    verdict = failing(error("KeyError", "'depth'") | {"traceback": traceback})

    assert verdict.error == "Cell 2, line 2 (`outer(0)`) ended with KeyError: 'depth'"


def test_an_expected_error_does_not_fail_the_notebook() -> None:
    expected = cell("1 / 0", error("ZeroDivisionError", "no"), tags=["raises-exception"])
    real = cell("{}['b']", error("KeyError", "'b'"))

    only = verdict_of(notebook(expected, cell("2"), cell("3")), 1, log="PapermillExecutionError: x")
    both = verdict_of(notebook(expected, cell("2"), real, cell("4", ran=False)), 1)

    assert (only.error, only.kind, only.cells) == (None, "passed", 3)
    assert both.error == "Cell 3 (`{}['b']`) ended with KeyError: 'b'"
    assert (both.cell, both.cells) == (3, 2)


def test_an_expected_error_excuses_nothing_else() -> None:
    expected = cell("1 / 0", error("ZeroDivisionError", "no"), tags=["raises-exception"])

    early = verdict_of(notebook(expected, cell("2", ran=False)), 1, log="PapermillExecutionError")
    full = verdict_of(notebook(expected, cell("2")), 1, log="OSError: no space left on device")
    dead = verdict_of(notebook(expected, cell("2", ran=False)), 138)

    assert early.error == "It ended early: cell 2 (`2`) did not run"
    assert full.error == "papermill ended with exit code 1: OSError: no space left on device"
    assert dead.kind == "dead_kernel"


@pytest.mark.parametrize(
    ("module", "message", "advice"),
    [
        ("cv2", "the module cv2, which is not installed", "Add opencv-python-headless to software"),
        ("xarray", "the module xarray, which is not installed", "Add the package that has it to"),
        (
            "sklearn.cross_validation",
            "the module sklearn.cross_validation, which the installed sklearn does not",
            "This version of scikit-learn does not have it: pin an older one",
        ),
        (
            "xml.nosuch",
            "the module xml.nosuch, which the installed xml does not have",
            "Python's own xml does not have it: correct the import.",
        ),
        ("imp", "the module imp, which is not installed", "Python 3.12 removed it"),
    ],
)
def test_a_missing_module_is_named_with_the_package_to_add(
    module: str, message: str, advice: str
) -> None:
    verdict = failing(error("ModuleNotFoundError", f"No module named '{module}'"))

    assert verdict.kind == "missing_module"
    assert f"needs {message}" in str(verdict.error)
    assert advice in describe_verdict(verdict)


def test_a_missing_library_names_its_package() -> None:
    missing = "libGL.so.1: cannot open shared object file: No such file or directory"

    verdict = failing(error("ImportError", missing))

    assert "provides libGL.so.1 to software.apt: libgl1." in describe_verdict(verdict)


def test_a_notebook_that_reads_input_is_reported() -> None:
    message = "raw_input was called, but this frontend does not support input requests."
    traceback = ["Cell In[2], line 2\n      1 y = 2\n----> 2 name = input()\n"]
    raised = error("StdinNotImplementedError", message) | {"traceback": traceback}

    verdict = failing(raised, sources=("a", "y = 2\nname = input()"))

    assert verdict.error == "Cell 2, line 2 (`name = input()`) asks for input"
    assert verdict.kind == "asks_for_input"
    assert "set the value by notebook.parameters" in describe_verdict(verdict)


def test_the_notebook_s_declared_kernel_is_named_if_another_one_ran() -> None:
    executed = json.loads(notebook(cell("x", printed("1"), error("NameError", "no x"))))
    executed["metadata"]["kernelspec"] = {"name": "py36-geo", "language": "python"}

    failed = verdict_of(json.dumps(executed), 1)
    executed["metadata"]["kernelspec"]["name"] = "python3"
    same = verdict_of(json.dumps(executed), 1)

    note = "The notebook names the kernel py36-geo, and the recipe ran it with python3."
    assert describe_verdict(failed).endswith(note)
    assert "names the kernel" not in describe_verdict(same)


@pytest.mark.parametrize("source", ["exit()", "if done:\n    quit()", "exit", "exit(0);"])
def test_a_cell_that_ends_the_kernel_itself_is_named(source: str) -> None:
    dead = verdict_of(notebook(cell("1"), cell(source), cell("import os")), 138)

    assert dead.kind == "dead_kernel"
    assert "ended in cell 2" in str(dead.error)
    assert "memory" not in dead.advice
    assert dead.advice


@pytest.mark.parametrize("source", ["exit_code = 3", "raise_on_exit()", "print('exit()')"])
def test_a_kernel_that_died_by_itself_is_not_called_ended(source: str) -> None:
    dead = verdict_of(notebook(cell("1"), cell(source), cell("import os")), 138)

    assert "The kernel died in cell 3" in str(dead.error)


def test_a_cell_that_left_by_sys_exit_is_named() -> None:
    left = cell("import sys\nsys.exit()", error("SystemExit", ""))

    verdict = verdict_of(notebook(cell("1"), left, cell("2", ran=False)), 0)

    assert verdict.kind == "too_little"
    assert "cell 2 (`import sys`) ended it by SystemExit" in str(verdict.error)
    assert "cell 3 (`2`) did not run" in str(verdict.error)


def test_a_message_that_ends_with_a_point_gets_no_second_one() -> None:
    failed = cell("x", error("CalledProcessError", "exit status 3."))

    assert "exit status 3. The executed" in describe_verdict(verdict_of(notebook(failed), 1))
