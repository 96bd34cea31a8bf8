import json
from pathlib import Path

import pytest

from notebake.errors import NotebookError
from notebake.notebook.execute import collect_result, read_verdict
from notebake.notebook.failure_hints import describe_clone_changes
from notebake.notebook.papermill_script import status_path
from notebake.notebook.recipe_notebook import (
    DIRECTORY,
    OUTPUT,
    SMOKE,
    SMOKE_VERDICT,
    base_directory,
    effective_notebook,
    execution_script,
    working_directory,
)
from notebake.recipe import Notebook, Recipe, Repository, Volume
from notebake.runs.files import get_file
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.ssh.host import Host
from notebake.ssh.remote import Answer
from tests.executed_notebooks import cell, error, notebook

OWN = Notebook(
    path="notebooks/sst map.ipynb", verdict="As it should be.", parameters={"year": 2020}
)
REPOSITORY = Repository(url="https://example.org/ocean.git")


def test_the_recipe_s_notebook_is_used_unchanged_from_its_repository() -> None:
    recipe = Recipe(name="ocean", repository=REPOSITORY, notebook=OWN)

    assert effective_notebook(recipe) == OWN
    assert base_directory(recipe) == "/home/ubuntu/ocean"
    assert working_directory(OWN, base_directory(recipe)) == "/home/ubuntu/ocean/notebooks"


def test_a_notebook_may_run_in_another_working_directory() -> None:
    moved = OWN.model_copy(update={"working_directory": "."})

    assert working_directory(moved, "/home/ubuntu/ocean") == "/home/ubuntu/ocean"


def test_without_a_notebook_the_smoke_notebook_checks_the_image() -> None:
    recipe = Recipe(
        name="ocean",
        repository=REPOSITORY,
        notebook=Notebook(minimum_cells=4, timeout_seconds=99),
        volumes=(
            Volume(name="data", mount_point="/data"),
            Volume(name="raw", mount_point="/raw", in_image=False),
            Volume(name="archive", mount_point="/archive"),
        ),
    )

    wanted = effective_notebook(recipe)

    assert wanted.path == "smoke.ipynb"
    assert wanted.parameters == {"mount_points": "/data,/archive"}
    assert wanted.verdict == SMOKE_VERDICT
    assert (wanted.minimum_cells, wanted.timeout_seconds) == (4, 99), "the recipe's limits hold"
    assert base_directory(recipe) == DIRECTORY
    assert working_directory(wanted, DIRECTORY) == DIRECTORY


def test_the_smoke_notebook_exists_and_prints_its_verdict() -> None:
    assert SMOKE_VERDICT in SMOKE.read_text()


def test_the_page_of_a_passed_notebook_does_not_say_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    banner = {
        "cell_type": "markdown",
        "metadata": {"tags": ["papermill-error-cell-tag"]},
        "source": "An Exception was encountered at 'In [1]'.",
    }
    tagged = cell("1 / 0", error("ZeroDivisionError", "no"), tags=["raises-exception"])
    written = json.loads(notebook(tagged, cell("2"), cell("3")))
    written["cells"].insert(0, banner)
    executed = json.dumps(written)
    status = json.dumps({"exit_code": 1, "seconds": 2.0, "log": "PapermillExecutionError"})
    brought = {OUTPUT: executed.encode(), status_path(OUTPUT): status.encode()}
    monkeypatch.setattr("notebake.ssh.file_transfer.get_file", lambda _host, path: brought[path])
    run = new_run(Recipe(name="ocean"), "ocean.yaml", open_store(str(tmp_path)))

    verdict = collect_result(run, HOST, Notebook(path="a.ipynb", minimum_figures=0), "notebook")

    assert verdict.error is None
    assert get_file(run, "notebook/executed.ipynb") == executed.encode(), "evidence stays as it is"
    page = get_file(run, "notebook/executed.html") or b""
    assert b"ZeroDivisionError" in page
    assert b"An Exception was encountered" not in page


HOST = Host(instance_id="i-1", address="192.0.2.1", user="u", private_key_path="k", host_key="h")
SURROGATE = {"output_type": "stream", "name": "stdout", "text": "f\udce9.nc"}
CELL = {"cell_type": "code", "metadata": {}, "source": "1", "execution_count": 1}
HALF = json.dumps({"cells": [CELL | {"outputs": [SURROGATE]}], "metadata": {}, "nbformat": 4})


@pytest.mark.parametrize(
    "executed",
    [b"{}", b"[]", b'{"cells": [], "nbformat": 4}', b"\xff\xfe{", HALF.encode(), b"[" * 5000],
    ids=["an empty object", "a list", "no metadata", "no UTF-8", "half a character", "a deep hole"],
)
def test_every_returned_notebook_is_judged_and_stored_with_a_page(
    executed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = json.dumps({"exit_code": 1, "seconds": 2.0, "log": "f\udce9: no"}).encode()
    brought = {OUTPUT: executed, status_path(OUTPUT): status}
    monkeypatch.setattr("notebake.ssh.file_transfer.get_file", lambda _host, path: brought[path])
    run = new_run(Recipe(name="ocean"), "ocean.yaml", open_store(str(tmp_path)))

    with pytest.raises(NotebookError, match=r"On 192\.0\.2\.1 the notebook smoke\.ipynb failed: "):
        collect_result(run, HOST, Notebook(path="smoke.ipynb"), "notebook")

    verdict = read_verdict(run, "notebook")
    assert verdict is not None
    assert verdict.kind == "papermill_failed"
    assert get_file(run, "notebook/executed.ipynb") == executed
    assert b"<html" in (get_file(run, "notebook/executed.html") or b"").lower()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(0, " M table.csv\n?? figures/\n", ""), "has changes: table.csv, figures/. A"),
        (
            Answer(0, "".join(f"?? {letter}\n" for letter in "abcdefghijkl"), ""),
            ", i, j …. A person",
        ),
        (Answer(0, "", ""), ""),
        (Answer(128, "", "fatal: not a git repository"), ""),
    ],
    ids=["changed", "many", "as cloned", "no clone"],
)
def test_changes_in_the_clone_are_reported_with_a_failed_notebook(
    answer: Answer, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notebake.ssh.remote.try_command", lambda *_: answer)
    recipe = Recipe(name="ocean", repository=REPOSITORY, notebook=OWN)
    run = new_run(recipe, "ocean.yaml", open_store(str(tmp_path)))

    assert message in describe_clone_changes(run, HOST)
    assert bool(message) == bool(describe_clone_changes(run, HOST))
    reset = "git -C /home/ubuntu/ocean reset --hard && git -C /home/ubuntu/ocean clean -d --force"
    assert (reset in describe_clone_changes(run, HOST)) == bool(message)


def test_only_a_repository_notebook_runs_in_a_copy_on_write_view() -> None:
    own = Recipe(name="ocean", repository=REPOSITORY, notebook=OWN)
    ours = Recipe(name="ocean", repository=REPOSITORY)

    assert "unshare --mount" in execution_script(own, "true")
    assert "unshare" not in execution_script(ours, "true")
    for recipe in (own, ours):
        removed = f"rm --force -- {OUTPUT} {status_path(OUTPUT)}"
        assert removed in execution_script(recipe, "true"), "an earlier verdict is not this one's"
