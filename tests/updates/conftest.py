"""The archives that the tests of this folder ask."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.archives.server import ArchiveServer
from sandbox.archives.signing_key import SigningKey
from tests.updates.apt_world import AptWorld, record_machine
from tests.updates.python_world import PythonWorld

NEEDED = ("apt-get", "dpkg", "gpg", "gpgv")


@pytest.fixture(scope="session")
def key() -> Iterator[SigningKey]:
    """The key of all apt archives."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        pytest.skip(f"Not installed: {', '.join(missing)}.")
    with SigningKey() as made:
        yield made


@pytest.fixture(scope="module")
def recorded(
    key: SigningKey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ArchiveServer, bytes, bytes]]:
    """A server, and the lock files of a machine that has it as its archive."""
    folder = tmp_path_factory.mktemp("apt")
    with ArchiveServer(folder / "archive") as server:
        packages, sources = record_machine(folder, server.url, key)
        yield server, packages, sources


@pytest.fixture
def world(
    recorded: tuple[ArchiveServer, bytes, bytes], key: SigningKey, tmp_path: Path
) -> Iterator[AptWorld]:
    """An archive that has just what the machine has."""
    server, packages, sources = recorded
    server.folder = tmp_path / "archive"
    yield AptWorld(server, packages, sources, key)
    server.faults.clear()
    server.injected.clear()


@pytest.fixture
def python_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PythonWorld]:
    """An index of Python packages of which nothing was installed yet."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with ArchiveServer(tmp_path) as server:
        yield PythonWorld(tmp_path, server)


@pytest.fixture(scope="session")
def baked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The lock files of an image from an unchanged index."""
    folder = tmp_path_factory.mktemp("baked")
    with ArchiveServer(folder) as server:
        return PythonWorld(folder, server).bake()
