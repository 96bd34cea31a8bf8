"""Conda's packages, solved here by rattler from a channel that changes after the image was made."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.images.updates.python_packages import check_python_packages
from notebake.recipe import Software
from sandbox.archives.server import ArchiveServer
from tests.conda_channel import (
    PYTHON,
    SUBDIR,
    Package,
    python_package,
    whole_channel,
    write_channel,
)
from tests.updates.python_world import PythonWorld

pytest.importorskip("rattler", reason="py-rattler is of the development environment")
SOFTWARE = Software(manager="conda", packages=("liba",), requirements="dependencies:\n  - libb\n")
INSTALLED = {
    "conda-explicit.txt": {
        **{
            "python": f"{PYTHON}.9",
            "jupyterlab": "4.0.0",
            "lab-program": "1.0",
            "ipykernel": "6.0.0",
        },
        **{"kernelspec": "1.0", "pip": "24.0", "liba": "1.0", "libb": "1.0", "libb-data": "1.0"},
    },
    "conda-itself-explicit.txt": {"python": f"{PYTHON}.9", "conda": "26.3.2"},
}
OF_SUBDIR = ("python", "lab-program", "kernelspec", "libb-data", "conda")


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ArchiveServer]:
    """A channel, which conda's settings of this computer name."""
    with ArchiveServer(tmp_path) as server:
        whole_channel(tmp_path / "conda-forge")
        monkeypatch.setenv("CONDA_CHANNEL_ALIAS", server.url)
        monkeypatch.setenv("CONDARC", "")
        monkeypatch.setenv("XDG_CONFIG_HOME", "")
        yield server


def locks_of(server: ArchiveServer, papermill: dict[str, bytes]) -> dict[str, bytes]:
    """Return the lock files of an image that was made from the channel."""
    found = dict(papermill)
    for name, packages in INSTALLED.items():
        lines = ["@EXPLICIT"]
        for package, version in packages.items():
            subdir = SUBDIR if package in OF_SUBDIR else "noarch"
            place = f"{server.url}/conda-forge/{subdir}/{package}-{version}-0.tar.bz2"
            lines.append(f"{place}#sha256:{'0' * 64}")
        text = "\n".join(lines)
        found[f"locks/{name}"] = text.encode()
    return found


@pytest.fixture
def locks(
    channel: ArchiveServer, python_world: PythonWorld, baked: dict[str, bytes]
) -> dict[str, bytes]:
    return locks_of(channel, python_world.locks(baked))


def add(server: ArchiveServer, *packages: Package) -> None:
    """Add packages to the channel."""
    folder = server.folder / "conda-forge"
    kept = {
        path: json.loads((folder / path / "repodata.json").read_text())["packages"]
        for path in (SUBDIR, "noarch")
    }
    write_channel(folder, list(packages))
    for path, known in kept.items():
        file = folder / path / "repodata.json"
        document = json.loads(file.read_text())
        document["packages"] = {**known, **document["packages"]}
        file.write_text(json.dumps(document))


def test_an_unchanged_channel_changes_nothing(locks: dict[str, bytes]) -> None:
    for finding in check_python_packages(SOFTWARE, locks):
        assert (finding.state, finding.changes, finding.reason) == ("unchanged", (), "")
        assert "What rattler resolves for a machine without a GPU" in finding.how


def test_newer_packages_are_named_as_their_cause(
    channel: ArchiveServer, locks: dict[str, bytes]
) -> None:
    add(
        channel,
        python_package("jupyterlab", "4.1.0", "lab-program"),
        Package("libb-data", "1.1"),
        python_package("liba", "1.9"),
        python_package("liba", "3.0"),
        Package("kernelspec", "1.0", build="1"),
    )

    direct, transitive = check_python_packages(SOFTWARE, locks)

    assert [(each.name, each.old, each.new) for each in direct.changes] == [
        ("jupyterlab", "4.0.0", "4.1.0"),
        ("liba", "1.0", "1.9"),
    ]
    assert ("libb-data", "1.0", "1.1") in [
        (each.name, each.old, each.new) for each in transitive.changes
    ]


def test_conda_itself_is_compared_too(channel: ArchiveServer, locks: dict[str, bytes]) -> None:
    add(channel, Package("conda", "26.9.0", ("python",)))

    direct, transitive = check_python_packages(SOFTWARE, locks)

    (change,) = direct.changes
    assert (change.name, change.new) == ("conda", "26.9.0")
    assert change.detail == "conda's own environment"
    assert transitive.state == "unchanged"


def test_packages_of_another_channel_are_not_compared(locks: dict[str, bytes]) -> None:
    text = locks["locks/conda-explicit.txt"].replace(b"/conda-forge/", b"/company/")

    for finding in check_python_packages(SOFTWARE, {**locks, "locks/conda-explicit.txt": text}):
        assert finding.state == "not checked"
        assert "packages from http://127.0.0.1" in finding.reason
        assert "/company" in finding.reason


def test_what_pip_adds_is_not_checked(locks: dict[str, bytes]) -> None:
    software = SOFTWARE.model_copy(update={"pip": ("utm",)})

    for finding in check_python_packages(software, locks):
        assert (finding.state, finding.changes) == ("not checked", ())
        assert "What pip adds to a conda environment" in finding.reason


def test_a_channel_that_is_gone_is_the_reason(
    locks: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_CHANNEL_ALIAS", "http://127.0.0.1:9")

    for finding in check_python_packages(SOFTWARE, locks):
        assert finding.state == "not checked"
        assert "The image's conda environments: rattler: " in finding.reason


def test_a_package_that_exists_no_more_is_the_reason(locks: dict[str, bytes]) -> None:
    software = SOFTWARE.model_copy(update={"packages": ("liba", "vanished")})

    for finding in check_python_packages(software, locks):
        assert finding.state == "not checked"
        assert "vanished" in finding.reason
