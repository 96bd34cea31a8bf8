"""The sample repository of the rehearsal, and the default smoke notebook."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OCEAN = ROOT / "sandbox" / "repositories" / "ocean"
CHLOROPHYLL = OCEAN / "notebooks" / "chlorophyll.ipynb"
SMOKE = ROOT / "notebooks" / "smoke.ipynb"
NOTEBOOKS = pytest.mark.parametrize("path", [CHLOROPHYLL, SMOKE], ids=lambda path: path.stem)


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def imported(path: Path) -> set[str]:
    modules: set[str] = set()
    for cell in code_cells(path):
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom):
                modules.add(str(node.module).split(".")[0])
    return modules


@NOTEBOOKS
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    cells = code_cells(path)

    assert len(cells) >= 6
    assert [cell["outputs"] for cell in cells] == [[]] * len(cells)
    assert {cell["execution_count"] for cell in cells} == {None}


@NOTEBOOKS
def test_a_notebook_names_the_usual_kernel_and_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert json.loads(text)["metadata"]["kernelspec"]["name"] == "python3"
    assert re.findall(r"/(?:home|root|work|tmp|Users)\b", text) == []


def test_the_sample_notebook_needs_what_its_requirements_name() -> None:
    wanted = set((OCEAN / "requirements.txt").read_text(encoding="utf-8").split())

    assert imported(CHLOROPHYLL) == wanted - {"netcdf4"}
    assert 'engine="netcdf4"' in CHLOROPHYLL.read_text(encoding="utf-8").replace("\\", "")


def test_the_sample_notebook_draws_with_labels_and_prints_its_numbers() -> None:
    source = "\n".join("".join(cell["source"]) for cell in code_cells(CHLOROPHYLL))

    assert source.count("plt.show()") >= 2
    assert source.count("plt.show()") == source.count("plt.subplots(")
    assert source.count("set_title(") >= 2
    assert source.count("print(") >= 6


def test_the_sample_data_are_netcdf_and_small() -> None:
    content = (OCEAN / "data" / "chlorophyll.nc").read_bytes()

    assert content.startswith(b"\x89HDF\r\n\x1a\n")
    assert len(content) < 300_000


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("xarray", "netCDF4")),
    reason="xarray and netCDF4 are the image's, not the project's",
)
def test_the_sample_data_come_from_their_script(tmp_path: Path) -> None:
    compare = "import sys, xarray as x; x.testing.assert_equal(*map(x.load_dataset, sys.argv[1:]))"
    committed, made = OCEAN / "data" / "chlorophyll.nc", tmp_path / "made.nc"

    subprocess.run([sys.executable, OCEAN / "scripts" / "make_data.py", made], check=True)

    subprocess.run([sys.executable, "-c", compare, committed, made], check=True)


def test_the_smoke_notebook_imports_only_what_is_installed() -> None:
    there = set(sys.stdlib_module_names) | {"IPython"}

    assert imported(SMOKE) - there == {"matplotlib"}, "matplotlib only where it is found"
    assert 'find_spec("matplotlib")' in "".join(
        line for cell in code_cells(SMOKE) for line in cell["source"]
    )


def test_the_smoke_notebook_states_its_verdict_last() -> None:
    last = "".join(code_cells(SMOKE)[-1]["source"])

    assert last.rstrip().endswith('print("NOTEBAKE VERDICT: PASS")')
