"""The archives that the tests of this folder ask."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.archives.server import ArchiveServer
from sandbox.archives.signing_key import SigningKey
from tests.updates.apt_world import AptWorld, record_machine

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
