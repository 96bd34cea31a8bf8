"""The builder's results are compared with a machine's on what is kept of both."""

import json
from pathlib import Path

import pytest

from notebake.acceptance.evidence import MachineEvidence
from notebake.acceptance.proof import format_comparison
from notebake.errors import ImageNotAcceptedError
from notebake.notebook.kept_results import check_results, find_earlier_verdict, record_machine
from notebake.notebook.verdict import NotebookVerdict
from notebake.recipe import Notebook, Recipe
from notebake.runs import files, registry
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from tests.executed_notebooks import cell, notebook, printed

VERDICT = NotebookVerdict(cells=3, figures=2, seconds=1.0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return registry.new_run(Recipe(name="ocean"), "ocean.yaml", open_store(str(tmp_path)))


def keep(run: Run, name: str, text: str) -> None:
    executed = notebook(cell("mean = draw()\nprint(mean)", printed(text)))
    files.put_file(run, f"{name}/executed.ipynb", executed.encode())


def judging(run: Run, **wanted: object) -> Run:
    """Return the run with a recipe that judges so."""
    changed = Notebook.model_validate(wanted)
    return run.model_copy(update={"recipe": run.recipe.model_copy(update={"notebook": changed})})


def test_a_difference_names_its_place_values_and_possible_remedies(run: Run) -> None:
    keep(run, "notebook", "7\n0.37001\n")
    keep(run, "acceptance-1", "7\n0.37004\n")

    with pytest.raises(ImageNotAcceptedError) as caught:
        check_results(run, "i-1", "acceptance-1")

    assert caught.value.message == (
        "On i-1 the notebook's results differ from the builder's. Cell 1 (`mean = draw()`), line 2"
        " of its output: 0.37001 on the builder, 0.37004 here. 1 of 2 numbers differ."
    )
    assert "tag that cell `volatile`" in str(caught.value)
    assert f"notebake resume {run.id} --from clone_repository" in str(caught.value)
    assert "notebook: {tolerance: 1e-04}, or notebook: {compare: nothing}" in str(caught.value)


def test_a_changed_comparison_rule_judges_the_kept_results_again(run: Run) -> None:
    keep(run, "notebook", "7\n0.37001\n")
    keep(run, "acceptance-1", "7\n0.37004\n")

    assert check_results(judging(run, tolerance=1e-4), "i-1", "acceptance-1") == 2
    assert check_results(judging(run, compare="nothing"), "i-1", "acceptance-1") == 0


def test_no_tolerance_is_suggested_for_a_large_difference(run: Run) -> None:
    keep(run, "notebook", "0.37")
    keep(run, "acceptance-1", "0.81")

    with pytest.raises(ImageNotAcceptedError) as caught:
        check_results(run, "i-1", "acceptance-1")

    assert "{tolerance" not in str(caught.value)
    assert "notebook: {compare: nothing}" in str(caught.value)


@pytest.mark.parametrize("missing", ["notebook", "acceptance-1"])
def test_missing_results_prove_nothing(run: Run, missing: str) -> None:
    for name in {"notebook", "acceptance-1"} - {missing}:
        keep(run, name, "1")

    with pytest.raises(ImageNotAcceptedError, match="is not kept in this run store"):
        check_results(run, "i-1", "acceptance-1")


def test_only_a_machine_that_passed_skips_the_notebook(run: Run) -> None:
    kept = f"{'acceptance-1'}/verdict.json"
    assert find_earlier_verdict(run, "i-1", "acceptance-1") is None
    files.put_file(run, kept, VERDICT.model_dump_json().encode())
    assert find_earlier_verdict(run, "i-1", "acceptance-1") is None

    record_machine(run, "i-1", "acceptance-1")

    assert find_earlier_verdict(run, "i-1", "acceptance-1") == VERDICT
    assert find_earlier_verdict(run, "i-2", "acceptance-1") is None
    record_machine(run, "", "acceptance-1")
    assert find_earlier_verdict(run, "i-1", "acceptance-1") is None


@pytest.mark.parametrize(
    ("wanted", "compared", "message"),
    [
        ({}, 42, ", with the builder's 42 numbers"),
        ({}, 1, ", with the builder's number"),
        ({"tolerance": 0.01}, 42, ", with the builder's 42 numbers, within 0.01"),
        ({}, 0, "; it shows no numbers that could be compared"),
        ({"compare": "nothing"}, 0, "; its numbers were not compared, as the recipe demands"),
    ],
)
def test_the_proof_says_how_many_numbers_were_compared(
    run: Run, wanted: dict[str, object], compared: int, message: str
) -> None:
    shown = MachineEvidence(
        instance_id="i-1",
        instance_type="m5.large",
        host_key="k",
        machine_id="m",
        jupyter_version="2",
        verdict=VERDICT,
        compared=compared,
    )

    assert format_comparison(judging(run, **wanted), shown) == message


def test_a_stored_file_that_is_not_a_notebook_proves_nothing(run: Run) -> None:
    keep(run, "notebook", "1")
    files.put_file(run, "acceptance-1/executed.ipynb", json.dumps([]).encode())

    with pytest.raises(ImageNotAcceptedError):
        check_results(run, "i-1", "acceptance-1")
