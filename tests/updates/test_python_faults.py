"""What uv cannot resolve is not checked, with what was tried and what came back."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from notebake.images.updates.python_packages import check_python_packages
from notebake.images.updates.resolution import image_python, uv_program
from notebake.recipe import Software
from sandbox.archives.server import ArchiveFault
from tests.updates.python_world import PythonWorld

HTML = b"<html><body>Please log in to the network</body></html>"
FAULTS = {
    "a package that is gone": (
        ArchiveFault("/simple/tide/", status=404), "tide was not found in the package registry"),
    "a refusal": (ArchiveFault("/simple/*", status=401), "401 Unauthorized"),
    "another refusal": (ArchiveFault("/simple/tide/", status=403), "403 Forbidden"),
    "a page instead of an index": (ArchiveFault("/simple/*", content=HTML), "unexpected JSON from"),
    "an index that is no JSON": (
        ArchiveFault("/simple/tide/", changed=lambda text: text[:60]), "/simple/tide/"),
    "metadata that is none": (
        ArchiveFault("/files/tide*.metadata", content=b"nothing"), "tide"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_index_is_the_reason(
    name: str, python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    fault, expected = FAULTS[name]
    python_world.server.faults.append(fault)

    found = python_world.ask(python_world.locks(baked))

    assert python_world.server.injected, "the fault took place"
    for finding in (found.direct, found.transitive):
        assert (finding.state, finding.changes) == ("not checked", ())
        assert f"The image: uv pip compile --no-build, with {python_world.url}: " in finding.reason
        assert expected in finding.reason
        assert "TRACE" not in finding.reason


def test_an_error_of_the_server_is_the_reason(
    python_world: PythonWorld, baked: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uv_program, "RESOLUTION_SECONDS", 4)
    python_world.server.faults.append(ArchiveFault("/simple/click/", status=500))

    found = python_world.ask(python_world.locks(baked))

    assert python_world.server.injected
    assert found.direct.state == found.transitive.state == "not checked"
    assert "papermill's environment: " in found.direct.reason.lower()
    assert "The image: " not in found.direct.reason, "the other environment was asked"


def test_a_server_that_hangs_is_left(
    python_world: PythonWorld, baked: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uv_program, "RESOLUTION_SECONDS", 1.5)
    python_world.server.faults.append(ArchiveFault("/simple/*", hangs=True))

    found = python_world.ask(python_world.locks(baked))

    assert found.direct.state == "not checked"
    assert "uv found no end within 1.5 s" in found.direct.reason


def test_nobody_listens(python_world: PythonWorld, baked: dict[str, bytes]) -> None:
    locks = python_world.locks(baked)
    python = json.loads(locks["locks/python.json"])
    address = "http://ada:secret@127.0.0.1:9/simple"
    locks["locks/python.json"] = json.dumps({**python, "index": address}).encode()

    found = python_world.ask(locks)

    assert found.direct.state == "not checked"
    assert "with http://127.0.0.1:9/simple: " in found.direct.reason
    assert "secret" not in found.direct.reason


def test_a_package_without_any_wheel_is_not_built(
    python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    python_world.index.remove("tide", "0.9.1")
    python_world.index.add_release("tide", "0.9.1", as_source=True)

    found = python_world.ask(python_world.locks(baked))

    assert found.transitive.state == "not checked"
    assert "building from source is disabled" in found.transitive.reason


@pytest.mark.parametrize("version", ["0.9.2", "7"])
def test_a_newer_version_without_a_wheel_is_not_passed_over(
    version: str, python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    python_world.index.add_release("tide", version, as_source=True)
    python_world.index.add_release("click", "8.2")

    found = python_world.ask(python_world.locks(baked))

    assert [change.name for change in found.transitive.changes] == ["click"]
    expected = f"The image: tide {version} has no wheel for the image's Python, so a bake may build"
    assert expected in found.transitive.reason
    assert (found.direct.state, expected in found.direct.reason) == ("not checked", True)


def test_what_the_image_built_from_source_is_no_change(
    python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    locks = python_world.locks(baked)
    lock = locks["locks/requirements.txt"]
    locks["locks/requirements.txt"] = lock.replace(b"tide==0.9.1", b"tide==1.0")
    python_world.index.add_release("tide", "1.0", as_source=True)

    found = python_world.ask(locks)

    assert found.transitive.changes == ()
    assert found.transitive.state == "not checked"


def test_a_source_for_another_python_is_passed_over(
    python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    python_world.index.add_release("tide", "1.0", as_source=True, requires_python=">=3.99")
    python_world.index.add_release("tide", "1.1", as_source=True, yanked="broken")

    found = python_world.ask(python_world.locks(baked))

    assert (found.transitive.state, found.transitive.reason) == ("unchanged", "")


def without(name: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda locks: {each: text for each, text in locks.items() if each != f"locks/{name}"}


def with_python(**changes: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def change(locks: dict[str, bytes]) -> dict[str, bytes]:
        record = json.loads(locks["locks/python.json"])
        for which in ("environment", "system"):
            record[which] |= changes
        return {**locks, "locks/python.json": json.dumps(record).encode()}

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without("python.json"), "the run kept no Python version"),
        (without("requirements.txt"), "the run kept no requirements.txt"),
        (lambda locks: {**locks, "locks/python.json": b"{"}, "python.json of the run cannot be"),
        (lambda locks: {**locks, "locks/python.json": b"[]"}, "python.json of the run cannot be"),
        (with_python(libc="musl"), "cannot resolve for x86_64 with musl"),
        (with_python(libc_version="2.12"), "cannot resolve for x86_64 with glibc 2.12"),
        (with_python(machine="riscv64"), "cannot resolve for riscv64"),
        (with_python(implementation="PyPy"), "cannot resolve for PyPy"),
        (with_python(version="three"), "uv pip compile"),
    ],
)
def test_a_run_that_kept_too_little_is_not_checked(
    change: Callable[[dict[str, bytes]], dict[str, bytes]],
    expected: str,
    python_world: PythonWorld,
    baked: dict[str, bytes],
) -> None:
    found = python_world.ask(change(python_world.locks(baked)))

    for finding in (found.direct, found.transitive):
        assert (finding.state, finding.changes) == ("not checked", ())
        assert expected in finding.reason


def test_without_uv_nothing_is_found(
    python_world: PythonWorld,
    baked: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    found = python_world.ask(python_world.locks(baked))

    assert found.direct.state == "not checked"
    assert "uv is not installed on this computer" in found.direct.reason


def test_lock_files_may_come_without_their_folder(
    python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    locks = python_world.locks(baked)
    bare = {name.removeprefix("locks/"): text for name, text in locks.items()}

    assert {each.state for each in check_python_packages(python_world.software, bare)} == {
        "unchanged"
    }


def test_settings_of_this_computer_s_uv_do_not_count(
    python_world: PythonWorld, baked: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")

    found = python_world.ask(python_world.locks(baked))

    assert found.direct.state == found.transitive.state == "unchanged"


def test_the_login_of_this_computer_is_used_for_the_same_index(
    python_world: PythonWorld, baked: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_login = python_world.url.replace("http://", "http://ada:secret@")
    monkeypatch.setenv("PIP_INDEX_URL", with_login)
    locks = python_world.locks(baked)
    python = image_python.read_python(locks, "system")
    question = uv_program.Question((), python)

    assert uv_program.default_index(question) == with_login
    assert uv_program.index_name(question) == python_world.url
    found = python_world.ask(locks)
    assert found.direct.state == "unchanged"
    assert "secret" not in found.direct.how


def test_a_recipe_without_locks_is_not_checked() -> None:
    assert {each.state for each in check_python_packages(Software(), {})} == {"not checked"}
