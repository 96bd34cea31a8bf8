"""What apt and uv make of the sandbox's archives: their own programs accept them, or refuse too."""

import subprocess
from pathlib import Path

import pytest

from sandbox.archives.apt_archive import AptArchive
from sandbox.archives.server import ArchiveServer
from sandbox.archives.signing_key import SigningKey
from sandbox.errors import SandboxError
from tests.limits import HANG_SECONDS
from tests.updates.apt_machine import AptMachine
from tests.updates.apt_world import AptWorld
from tests.updates.test_system_faults import FAULTS


def machine_of(folder: Path, url: str, key: SigningKey, suite: str = "stable") -> AptMachine:
    """Return a machine with this archive, which trusts the key."""
    machine = AptMachine(folder)
    ring = machine.write("keyrings/sandbox.gpg", key.public)
    machine.write("sources.list", f"deb [signed-by={ring}] {url} {suite} main contrib\n")
    return machine


def test_apt_fetches_the_packages_that_an_archive_has(tmp_path: Path, key: SigningKey) -> None:
    archive = AptArchive(tmp_path / "archive", key)
    archive.add_suite("stable")
    archive.add_package("wave", "1:1.0-1", "stable", depends=["tide (>= 2)"])
    archive.add_package("tide", "2.0-1", "stable", architecture="all")
    archive.publish()
    with ArchiveServer(archive.folder) as server:
        machine = machine_of(tmp_path / "machine", server.url, key)
        machine.run("apt-get", "update")
        machine.run("apt-get", "--yes", "--download-only", "install", "wave")

    fetched = sorted((machine.root / "var/cache/apt/archives").glob("*.deb"))
    words = ["dpkg-deb", "--show", "--showformat", "${Package}=${Version} "]
    shown = "".join(
        subprocess.run(
            [*words, str(file)], capture_output=True, text=True, check=True, timeout=HANG_SECONDS
        ).stdout
        for file in fetched
    )
    assert shown == "tide=2.0-1 wave=1:1.0-1 "


def test_what_is_removed_is_gone_when_it_is_published(tmp_path: Path, key: SigningKey) -> None:
    archive = AptArchive(tmp_path / "archive", key, with_files=False)
    archive.add_suite("stable")
    archive.add_package("wave", "1.0", "stable")
    archive.add_package("wave", "1.1", "stable")
    archive.remove("wave", "stable", "1.1")
    archive.publish()

    index = (tmp_path / "archive/dists/stable/main/binary-amd64/Packages").read_text()
    assert "Version: 1.0\n" in index
    assert "Version: 1.1\n" not in index
    with pytest.raises(SandboxError, match="stable has no tide"):
        archive.remove("tide", "stable")


@pytest.mark.parametrize("name", FAULTS)
def test_apt_refuses_what_we_do_not_check(
    name: str, world: AptWorld, tmp_path: Path, key: SigningKey
) -> None:
    world.archive.publish()
    machine = machine_of(tmp_path / "machine", world.server.url, key)
    machine.run("apt-get", "-o", "APT::Update::Error-Mode=any", "update")
    machine = machine_of(tmp_path / "other", world.server.url, key)
    world.server.faults.append(FAULTS[name][0])

    with pytest.raises(AssertionError, match=r"E: "):
        machine.run("apt-get", "-o", "APT::Update::Error-Mode=any", "update")

    assert world.server.injected
