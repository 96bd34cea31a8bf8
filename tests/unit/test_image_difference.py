"""What differs between two images, made of what their runs have kept."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from notebake.errors import RunStoreError
from notebake.images.difference.compare_images import compare_images, find_run
from notebake.images.difference.image_difference import (
    CAUSES,
    ImageDifference,
    describe_difference,
)
from notebake.images.updates.finding import Cause, Change
from notebake.images.updates.source_state import FILE, KeptStates, SourceState
from notebake.recipe import Dataset, Recipe, Software
from tests import recorded_runs as runs
from tests.executed_notebooks import cell, notebook, printed
from tests.update_images import place_of, store_image

SOURCE = "https://data.test/waves.nc"
RECIPE = runs.RECIPE.model_copy(
    update={
        "software": Software(packages=("xarray",), requirements="dask>=2026\n", apt=("git",)),
        "datasets": (Dataset(name="waves", source=SOURCE, path="/data/waves.nc"),),
    }
)
OTHER = "ami-0fedcba9876543210"
PYTHON = {"environment": {"version": "3.12.3"}, "system": {"version": "3.12.3"}}


def package(name: str, version: str, *, index: int = 0, **fields: Any) -> dict[str, Any]:
    known = {"architecture": "amd64", "source": name, "source_version": version}
    return {"name": name, "version": version, "indexes": [index], **known, **fields}


def apt(*packages: dict[str, Any]) -> bytes:
    suites = ("noble", "noble-updates", "noble-security")
    indexes = [{"suite": name, "codename": name, "label": "Ubuntu"} for name in suites]
    return json.dumps(
        {"architecture": "amd64", "indexes": indexes, "packages": [*packages]}
    ).encode()


def states(**fields: Any) -> bytes:
    kept = KeptStates(sources=(SourceState(name="waves", source=SOURCE, **fields),))
    return kept.model_dump_json().encode()


BEFORE: Mapping[str, bytes] = {
    "locks/requirements.txt": b"dask==2026.1\nnumpy==2.1.0\nxarray==2026.9\n",
    "locks/python.json": json.dumps(PYTHON).encode(),
    "locks/apt-packages.json": apt(
        package("git", "1:2.43.0-1", installed_kib=100),
        package("openssl", "3.0.13-0ubuntu3.9", installed_kib=200),
        package("zlib1g", "1:1.3"),
    ),
    FILE: states(size=10, etag='"a"'),
    "notebook/executed.ipynb": notebook(
        cell("mean()", printed("mean 0.25\n")), cell("rms()", printed("one\nrms 1.5\n"))
    ).encode(),
}


def compared(
    directory: Path,
    after: Mapping[str, bytes | None],
    recipe: Recipe = RECIPE,
    before: Mapping[str, bytes] = BEFORE,
    **options: Any,
) -> ImageDifference:
    """Return the difference of two images, the second with other files."""
    store = place_of(directory)
    files = {name: content for name, content in {**before, **after}.items() if content is not None}
    old = store_image(store, RECIPE, files=before)
    new = store_image(store, recipe, files=files, image_id=OTHER, **options)
    return compare_images(find_run(old, store), find_run(new, store))


def changes(found: ImageDifference) -> dict[Cause, list[tuple[str, str | None, str | None]]]:
    return {
        finding.cause: [(each.name, each.old, each.new) for each in finding.changes]
        for finding in found.changed
    }


def test_two_bakes_of_the_same_differ_in_nothing(tmp_path: Path) -> None:
    found = compared(tmp_path, {})

    assert [finding.cause for finding in found.findings] == [*CAUSES]
    assert {finding.state for finding in found.findings} == {"unchanged"}
    assert (found.numbers.state, found.numbers.compared) == ("unchanged", 2)
    assert describe_difference(found) == "no change"


def test_python_packages_are_direct_if_a_recipe_or_notebake_names_them(tmp_path: Path) -> None:
    after = b"Dask==2025.12\nxarray==2026.11\nnumpy==2.1.1\nclick==8.1\n"

    found = compared(tmp_path, {"locks/requirements.txt": after})

    assert changes(found) == {
        "direct": [("dask", "2026.1", "2025.12"), ("xarray", "2026.9", "2026.11")],
        "transitive": [("click", None, "8.1"), ("numpy", "2.1.0", "2.1.1")],
    }
    assert [each.detail for each in found.changed[0].changes] == ["older", ""]
    assert describe_difference(found) == "4 changes: direct (2 packages), transitive (2 packages)"


def test_a_higher_version_from_a_suite_for_security_is_marked(tmp_path: Path) -> None:
    after = apt(
        package("zlib1g", "1:1.3.1"),
        package("openssl", "3.0.13-0ubuntu3.10", index=2, installed_kib=213),
        package("git", "1:2.43.0-2", index=1, installed_kib=100),
        package("added", "1.0", index=2, installed_kib=4),
    )

    found = compared(tmp_path, {"locks/apt-packages.json": after})

    openssl = Change(
        name="openssl",
        old="3.0.13-0ubuntu3.9",
        new="3.0.13-0ubuntu3.10",
        detail="noble-security",
        added_bytes=13 * 1024,
    )
    security, system = found.changed
    assert (security.cause, security.changes) == ("security", (openssl,))
    assert system.cause == "system"
    # The package that the recipe names comes first; of zlib1g no size was kept.
    assert [(each.name, each.added_bytes) for each in system.changes] == [
        ("git", 0),
        ("added", 4096),
        ("zlib1g", None),
    ]
    assert [size.name for size in found.sizes] == ["disks", "datasets, at their sources"]


def test_sources_tools_and_recipe(tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"jupyter_port": 9999, "description": "another"})
    python = {**PYTHON, "environment": {"version": "3.12.4"}}
    after = {FILE: states(size=12, etag='"b"'), "locks/python.json": json.dumps(python).encode()}

    found = compared(tmp_path, after, recipe, base="ami-0other")

    assert changes(found) == {
        "base image": [("AMI", runs.BASE_IMAGE, "ami-0other")],
        "data": [("waves", "10 bytes", "12 bytes")],
        "recipe": [("jupyter_port", "8887", "9999"), ("description", "", "another")],
        "tools": [("Python", "3.12.3", "3.12.4")],
    }
    assert found.count == 4


def test_numbers_are_compared_cell_by_cell_within_the_tolerance(tmp_path: Path) -> None:
    loose = RECIPE.notebook.model_copy(update={"tolerance": 0.01})
    recipe = RECIPE.model_copy(update={"notebook": loose})
    after = notebook(
        cell("new()", printed("7\n")),
        cell("mean()", printed("mean 0.2501\n")),
        cell("rms()", printed("one\nrms 2.5\n")),
    ).encode()

    found = compared(tmp_path, {"notebook/executed.ipynb": after}, recipe).numbers

    assert (found.state, found.compared) == ("changed", 3)
    assert found.changes == (
        Change(name="Cell 1 (`new()`)", old=None, new="7"),
        Change(name="Cell 3 (`rms()`), line 2 of its output", old="1.5", new="2.5"),
    )


@pytest.mark.parametrize(
    ("name", "causes"),
    [
        ("locks/apt-packages.json", {"security", "system"}),
        ("locks/requirements.txt", {"direct", "transitive"}),
        ("locks/python.json", {"tools"}),
        (FILE, {"data"}),
        ("notebook/executed.ipynb", {"numbers"}),
    ],
)
def test_what_an_older_run_did_not_keep_is_not_kept(
    name: str, causes: set[str], tmp_path: Path
) -> None:
    older = {each: content for each, content in BEFORE.items() if each != name}
    found = compared(tmp_path, {name: BEFORE[name]}, before=older)

    assert set(found.not_kept) == causes
    reasons = [finding.reason for finding in found.findings] + [found.numbers.reason]
    assert any(name.rpartition("/")[2] in reason for reason in reasons)
    states = {finding.state for finding in found.findings if finding.cause in causes}
    assert states <= {"not kept"}
    assert "; not kept: " in describe_difference(found)


def test_a_changed_file_is_not_compared(tmp_path: Path) -> None:
    store = place_of(tmp_path)
    ids = [store_image(store, RECIPE, files=BEFORE, image_id=each) for each in (OTHER, runs.IMAGE)]
    (Path(store) / ids[1] / "locks/requirements.txt").write_bytes(b"dask==1\n")

    found = compare_images(*(find_run(each, store) for each in ids))

    assert {"direct", "transitive"} <= set(found.not_kept)
    assert "was changed after it was recorded" in found.findings[0].reason


def test_an_image_is_found_by_its_id(tmp_path: Path) -> None:
    store = place_of(tmp_path)
    run_id = store_image(store, RECIPE, image_id=OTHER)

    assert find_run(OTHER, store).run_id == run_id
    with pytest.raises(RunStoreError, match=r"No run in .* is known to have made ami-0abc"):
        find_run("ami-0abc", store)
