"""Which parameters affect a notebook, in each language."""

import json
from typing import Any

import pytest

from notebake.notebook.language import (
    ASSIGNMENTS,
    declared_names,
    find_language_mismatch,
    papermill_language,
)
from notebake.notebook.parameters import find_ineffective_parameters

NAMES = ("depth_m",)


def cell(source: str, *tags: str, kind: str = "code") -> dict[str, Any]:
    lines = source.splitlines(keepends=True)
    return {"cell_type": kind, "source": lines, "metadata": {"tags": list(tags)}}


def fault(
    *cells: dict[str, Any],
    names: tuple[str, ...] = NAMES,
    kernel: str = "python3",
    language: str = "python",
) -> str | None:
    notebook = {"cells": list(cells)}
    return find_ineffective_parameters(notebook, names, kernel=kernel, language=language)


TAGGED = cell("depth_m = 10", "parameters")
USING = cell("print(depth_m)")


def test_a_tagged_and_used_default_is_accepted() -> None:
    assert fault(cell("# Depths", kind="markdown"), TAGGED, USING) is None
    assert fault(names=()) is None


@pytest.mark.parametrize(
    "source",
    [
        "depth_m: int = 10",
        "start, depth_m = 1, 2",
        "first = depth_m = 3",
        "x = dict(a=1); depth_m = dict(b=2)",
        "if True:\n    depth_m = 1",
        "try:\n    depth_m = 1\nexcept OSError:\n    pass",
        "%matplotlib inline\ndepth_m = 1  # metres",
        "%%time\ndepth_m = 1",
        "here = !pwd\ndepth_m = 1",
        "help?\ndepth_m = 1",
        "text = '''\n% depth\n'''\ndepth_m = r'\\d'",
        "new syntax of some later Python\ndepth_m = 1",
    ],
)
def test_each_python_form_of_a_default_is_recognised(source: str) -> None:
    assert fault(cell(source, "parameters"), USING) is None


@pytest.mark.parametrize(
    "source",
    [
        "# depth_m = 10",
        "print('depth_m = 10')",
        "depth_m: int",
        "depth_m == 10",
        "def default():\n    depth_m = 10",
        "depth_m[0] = 10",
        "%%bash\ndepth_m=10",
        "",
    ],
)
def test_a_cell_without_the_default_is_reported(source: str) -> None:
    found = fault(cell(source, "parameters"), USING)

    assert found is not None
    assert found.startswith("The parameter depth_m would have no effect: the cell tagged")


def test_the_nearest_name_is_offered() -> None:
    cells = cell("depth_m = 10\nyear = 2020", "parameters"), USING

    assert "did you mean depth_m?" in str(fault(*cells, names=("dept_m",)))
    assert "did you mean depth_m?" in str(fault(*cells, names=("DEPTH_M",)))
    assert "it assigns depth_m, year" in str(fault(*cells, names=("station",)))


def test_all_unused_parameters_are_reported_together() -> None:
    found = str(fault(TAGGED, USING, names=("dept_m", "depth_m", "station")))

    assert found.count("would have no effect") == 2
    assert "The parameter dept_m" in found
    assert "The parameter station" in found


def test_without_a_tagged_cell_the_cell_to_tag_is_named() -> None:
    found = str(fault(cell("# Depths", kind="markdown"), cell("# metres\ndepth_m = 10"), USING))

    assert "no code cell has the tag `parameters`" in found
    assert "add it to cell 2 of the notebook (`depth_m = 10`)" in found
    assert "Property Inspector" in found


def test_without_a_default_the_hint_says_where_to_add_it() -> None:
    assert "assign depth_m a default in one of its first cells" in str(fault(USING))
    assert fault() is not None, "a notebook without cells declares nothing"


@pytest.mark.parametrize("tag", ["Parameters", "parameter", "paramaters"])
def test_a_misspelt_tag_is_shown(tag: str) -> None:
    found = str(fault(cell("depth_m = 10", tag), USING))

    assert "no code cell has the tag `parameters`" in found
    assert tag == "Parameters" or f"there is one tagged `{tag}`" in found


def test_a_tag_on_a_markdown_cell_is_ignored() -> None:
    assert "no code cell has the tag" in str(
        fault(cell("depth_m = 10", "parameters", kind="markdown"), USING)
    )


def test_only_the_first_tagged_cell_counts() -> None:
    second = cell("depth_m = 10", "parameters")

    assert fault(cell("year = 2020", "parameters"), second, USING) is not None
    assert "assigns it another value before" in str(fault(TAGGED, second, USING))


@pytest.mark.parametrize(
    "source",
    [
        "depth_m = 10",
        "depth_m: int = 10",
        "depth_m = -1.5",
        "depth_m, year = 10, 2020",
        "# depth_m as ever\nimport os\ndepth_m = {'a': [1, 2]}",
        "depth_m = float(input())",
    ],
)
def test_a_value_overwritten_before_use_is_reported(source: str) -> None:
    found = str(fault(TAGGED, cell("import math"), cell(source), USING))

    assert "cell 3 of the notebook" in found
    assert "assigns it another value before anything uses it" in found


@pytest.mark.parametrize(
    "source",
    [
        "print(depth_m)\ndepth_m = 10",
        "depth_m = depth_m or 10",
        "depth_m = float(depth_m)",
        "if 'depth_m' not in globals():\n    depth_m = 10",
        "depth_m = globals().get(name)",
        "depth_m += 1",
        "depth_m[0] = 1",
        "def show():\n    print(depth_m)",
        "print(f'{depth_m} m')",
        "!echo {depth_m}\ndepth_m = 10",
        "%%bash -s $depth_m\necho $1",
        "%%bash\ndepth_m=5; echo $depth_m",
        "some later Python's syntax of depth_m",
        "exec('print(' + name + ')')",
        "%run -i plot.py",
        "import __main__ as own",
    ],
)
def test_a_possibly_used_value_is_accepted(source: str) -> None:
    assert fault(TAGGED, cell(source)) is None


def test_an_unused_value_is_reported() -> None:
    derived = cell("depth_m = 10\nlimit = depth_m * 2", "parameters")

    for cells in (
        (derived, cell("print(limit)")),
        (TAGGED,),
        (TAGGED, cell("depth_max = 1  # not depth_m")),
        (TAGGED, cell("print(depth_m)", "skip-execution")),
        (USING, TAGGED),
    ):
        assert "no cell after the one tagged" in str(fault(*cells)), cells


def test_a_cell_injected_by_papermill_provides_the_value() -> None:
    injected = cell("# Parameters\ndepth_m = 500\n", "injected-parameters")

    assert fault(TAGGED, injected, USING) is None
    assert fault(injected, USING) is not None, "it is no default of the notebook's own"
    assert "another value" in str(fault(injected, TAGGED, USING)), "papermill keeps its place"


WRITTEN = {
    "python": ("depth_m = 1", "depth_m == 1"),
    "R": ("depth_m <- 1", "depth_m < -1", "depth_m <<- 1", "depth_m = 1", "f(1) -> depth_m  # m"),
    "scala": ("val depth_m: Int = 1", "print(depth_m)", "lazy var depth_m = 1"),
    "julia": ("const depth_m = 1", "depth_m == 1", "depth_m::Int = 1", "a = 2; depth_m = 1"),
    "matlab": ("depth_m = 1;", "depth_m == 1", "a = 2; depth_m = 1;"),
    ".net-csharp": ("var depth_m = 1;", "depth_m == 1", "int? depth_m = 1;", "double depth_m= 1;"),
    ".net-fsharp": ("let depth_m = 1", "depth_m = 1", "let mutable depth_m : int = 1"),
    ".net-powershell": ("$depth_m = 1", "depth_m = 1", "[int]$Depth_M = 1; $depth_m = 2"),
    "bash": ("depth_m=1", "depth_m = 1", "export depth_m=1", "a=2; declare -i depth_m=1"),
}


@pytest.mark.parametrize("language", ASSIGNMENTS)
def test_defaults_are_recognised_in_each_papermill_language(language: str) -> None:
    first, other, *more = WRITTEN[language]

    for source in (first, *more):
        assert "depth_m" in declared_names(f"\n  {source}\n", language), source
    for source in (other, f"# {first}", f"print({first!r})"):
        assert "depth_m" not in declared_names(source, language), source


@pytest.mark.parametrize(
    ("kernel", "language", "name"),
    [
        ("python3", "python", "python"),
        ("conda-env-ocean-py", "Python", "python"),
        ("ir", "R", "R"),
        ("xr", "r", "R"),
        ("julia-1.10", "julia", "julia"),
        (".net-csharp", "C#", ".net-csharp"),
        ("bash", "bash", "bash"),
        ("pysparkkernel", "python", "python"),
        ("sparkrkernel", "R", "R"),
        ("xcpp17", "C++17", None),
        ("python3", "", None),
        ("own", "", None),
    ],
)
def test_languages_map_to_papermill_names(kernel: str, language: str, name: str | None) -> None:
    assert papermill_language(kernel, language) == name


def test_an_unsupported_language_is_refused() -> None:
    found = str(fault(TAGGED, USING, kernel="xcpp17", language="C++17"))

    assert "cannot be set: papermill cannot write parameters" in found
    assert "C++17" in found


def test_defaults_in_other_languages_use_their_own_syntax() -> None:
    default, use = cell("depth_m <- 10", "parameters"), cell("print(1)")

    assert fault(default, use, kernel="ir", language="R") is None
    assert "did you mean depth_m?" in str(
        fault(default, names=("dept_m",), kernel="ir", language="R")
    )


R_KERNEL = {"name": "ir", "display_name": "R", "language": "R"}


@pytest.mark.parametrize(
    ("metadata", "kernel", "language"),
    [
        ({}, "python3", "python"),
        ({"kernelspec": {"name": "own", "language": "python"}}, "python3", "python"),
        ({"kernelspec": {"name": "own"}}, "python3", "python"),
        ({"language_info": {"name": "ipython"}}, "python3", "python"),
        ({"kernelspec": R_KERNEL, "language_info": {"name": "R"}}, "xr", "r"),
        ({"kernelspec": {"language": "sage"}, "language_info": {"name": "python"}}, "p", "python"),
        ({"kernelspec": {"name": "julia-1.6", "language": "julia"}}, "julia-1.10", "julia 1.10"),
        ({"kernelspec": R_KERNEL}, "not-there", ""),
        ({"kernelspec": 3, "language_info": [1]}, "python3", "python"),
    ],
)
def test_a_notebook_in_the_kernel_s_language_is_accepted(
    metadata: dict[str, Any], kernel: str, language: str
) -> None:
    assert find_language_mismatch({"metadata": metadata}, kernel, language) is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": R_KERNEL},
        {"kernelspec": {"name": "ir"}},
        {"kernelspec": {"name": "ir", "language": "R"}, "language_info": {"name": "R"}},
    ],
)
def test_a_notebook_in_another_language_is_reported_with_its_kernel(
    metadata: dict[str, Any],
) -> None:
    found = find_language_mismatch({"metadata": metadata}, "python3", "python")

    assert found == (
        "The notebook is written in R for the kernel ir, and the recipe runs it with the kernel"
        " python3, which is python"
    )


@pytest.mark.parametrize("notebook", [{}, {"cells": 3}, {"cells": [3, None, {"metadata": 3}]}])
def test_a_malformed_notebook_raises_nothing(notebook: dict[str, Any]) -> None:
    found = find_ineffective_parameters(notebook, NAMES, kernel="python3", language="python")

    assert "no code cell has the tag" in str(found), json.dumps(notebook)
