"""A check for updates compares the code and the tools that made the image with those of today."""

from pathlib import Path
from typing import Any

import pytest

from notebake.images.updates import tools
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.resolution.environments import PAPERMILL as PLACE
from notebake.images.updates.tools import check_tools, without_repeated
from notebake.local.code_version import CodeVersion
from tests.recorded_runs import RECIPE
from tests.update_images import CODE, PAPERMILL, current_image, place_of

OTHER = "abc123" * 6 + "abc1"


@pytest.fixture(autouse=True)
def _code_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "code_version", lambda: CODE)


def check(
    directory: Path, code: dict[str, Any] | None = None, lock: bytes = PAPERMILL
) -> CauseFinding:
    files = {"locks/papermill.txt": lock} if lock else {}
    made_by = CODE.model_dump() if code is None else code
    found = current_image(RECIPE, place_of(directory), code=made_by, files=files)
    return check_tools(found, RECIPE)


OLDER = [
    *("0.1.0", "0.9", "0.99.1", "1.0.dev3", "1.0rc1", "1.0.post1", "1.0.1", "1.1", "2.0"),
    *("2026.11", "1.0+local", "not installed: run from its source"),
]


@pytest.mark.parametrize("version", OLDER)
def test_another_version_of_notebake_is_named(version: str, tmp_path: Path) -> None:
    found = check(tmp_path, {"version": version, "commit": OTHER, "is_modified": False})

    assert found.state == "changed"
    (change,) = found.changes
    assert (change.name, change.old, change.new) == ("notebake", version, "1.0")


def test_another_commit_of_the_same_version_is_named(tmp_path: Path) -> None:
    found = check(tmp_path, {"version": "1.0", "commit": OTHER, "is_modified": False})

    (change,) = found.changes
    assert (change.old, change.new) == ("1.0 at abc123abc123", "1.0 at c0ffeec0ffee")


@pytest.mark.parametrize(
    ("lock", "name", "old", "new"),
    [
        (b"papermill==2.5.0\n", "papermill", "2.5.0", "<3,>=2.6"),
        (b"papermill==2.4.0rc1\nipykernel==7\n", "papermill", "2.4.0rc1", "<3,>=2.6"),
        (b"papermill==3.0\n", "papermill", "3.0", "<3,>=2.6"),
        (b"papermill==3.1.0 ; python_version > '3'\n", "papermill", "3.1.0", "<3,>=2.6"),
        (b"# uv\npapermill==1.0\n", "papermill", "1.0", "<3,>=2.6"),
        (b"papermill==2.0.post1\n", "papermill", "2.0.post1", "<3,>=2.6"),
        (b"    papermill==2.3\n", "papermill", "2.3", "<3,>=2.6"),
        (b"numpy==2\npapermill==4\n", "papermill", "4", "<3,>=2.6"),
    ],
)
def test_a_tool_that_no_longer_fits_is_named(
    lock: bytes, name: str, old: str, new: str, tmp_path: Path
) -> None:
    found = check(tmp_path, lock=lock)

    assert found.state == "changed"
    (change,) = found.changes
    assert (change.name, change.old, change.new) == (name, old, new)


def test_the_same_code_and_tools_are_unchanged(tmp_path: Path) -> None:
    found = check(tmp_path)

    assert (found.state, found.changes, found.reason) == ("unchanged", (), "")
    assert "papermill" in found.how


def test_an_installed_copy_without_a_commit_is_compared_by_its_version(tmp_path: Path) -> None:
    installed = {"version": "1.0", "commit": "", "is_modified": False}

    assert check(tmp_path, installed).state == "unchanged"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ({}, "has not recorded which notebake"),
        (CODE.model_dump() | {"is_modified": True}, "The notebake that made it was modified"),
    ],
)
def test_code_that_is_not_known_is_not_checked(
    code: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    found = check(tmp_path, code)

    assert found.state == "not checked"
    assert reason in found.reason


def test_modified_code_of_today_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modified = CodeVersion(**{**CODE.model_dump(), "is_modified": True})
    monkeypatch.setattr(tools, "code_version", lambda: modified)

    assert check(tmp_path).reason == "The notebake that runs now is modified."


def test_a_run_without_papermills_lock_is_not_checked(tmp_path: Path) -> None:
    found = check(tmp_path, lock=b"")

    assert found.state == "not checked"
    assert "has kept no locks/papermill.txt" in found.reason


def of_papermill(name: str, detail: str = PLACE) -> CauseFinding:
    change = Change(name=name, old="2.4.0", new="2.6.0", detail=detail)
    return CauseFinding(cause="direct", state="changed", changes=(change,))


def test_papermill_stands_once_if_the_python_packages_were_asked_for(tmp_path: Path) -> None:
    found = check(tmp_path, lock=b"papermill==2.4.0\nipykernel==7\n")
    unasked = CauseFinding(cause="transitive", state="not checked", reason="no index")
    assert (found.state, len(found.changes)) == ("changed", 1)

    left = without_repeated(found, [of_papermill("papermill"), unasked])

    assert (left.state, left.changes, left.how) == ("unchanged", (), found.how)
    assert without_repeated(found, [unasked]) == found
    assert without_repeated(found, [of_papermill("papermill", "")]) == found, "the image's own"
    assert without_repeated(found, [of_papermill("ipykernel")]) == found


def test_what_else_changed_or_was_not_compared_stays(tmp_path: Path) -> None:
    lock = b"papermill==2.4.0\n"
    another = check(tmp_path, {"version": "0.9"}, lock)
    unknown = check(tmp_path, {}, lock)

    other = without_repeated(another, [of_papermill("papermill")])
    doubtful = without_repeated(unknown, [of_papermill("papermill")])

    assert [(other.state, it.name) for it in other.changes] == [("changed", "notebake")]
    assert (doubtful.state, doubtful.changes) == ("not checked", ())
    assert doubtful.reason == unknown.reason != ""
