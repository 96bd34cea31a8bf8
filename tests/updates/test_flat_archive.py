"""An archive in one folder, without suites and components, as vendors have them."""

import hashlib
from pathlib import Path

import pytest

from notebake.images.updates.system_packages import NO_SECURITY, check_system_packages
from sandbox.archives.apt_package import AptPackage
from sandbox.archives.server import ArchiveServer
from sandbox.archives.signing_key import SigningKey
from tests.updates.apt_machine import AptMachine


@pytest.mark.parametrize("suite", ["./", "/", "deep/"])
def test_a_flat_archive_is_asked_as_apt_does(suite: str, tmp_path: Path, key: SigningKey) -> None:
    folder = tmp_path / "archive" / suite.strip("/")
    folder.mkdir(parents=True)
    offered = [AptPackage("wave", "1.1"), AptPackage("tide", "2.0", architecture="all")]
    index = "\n".join(each.stanza(b"not there") for each in offered).encode()
    (folder / "Packages").write_bytes(index)
    digest = hashlib.sha256(index).hexdigest()
    release = f"Origin: Vendor\nSHA256:\n {digest} {len(index)} Packages\n"
    (folder / "InRelease").write_bytes(key.sign_inline(release))
    machine = AptMachine(tmp_path / "machine")
    machine.install([AptPackage("wave", "1.0"), AptPackage("tide", "2.0", architecture="all")])
    ring = machine.write("keyrings/sandbox.gpg", key.public)

    with ArchiveServer(tmp_path / "archive") as server:
        machine.write("sources.list", f"deb [signed-by={ring}] {server.url} {suite}\n")
        expected = machine.upgrades()
        security, system = check_system_packages(machine.packages_lock(), machine.sources_lock())

    assert expected == {"wave": ("1.0", "1.1")}
    assert [(each.name, each.old, each.new) for each in system.changes] == [("wave", "1.0", "1.1")]
    assert (system.reason, security.reason) == ("", NO_SECURITY)


def test_an_index_for_all_architectures_is_read_where_there_is_one(
    tmp_path: Path, key: SigningKey
) -> None:
    packages = {
        "amd64": [AptPackage("wave", "1.1")],
        "all": [AptPackage("tide", "2.1", architecture="all")],
    }
    lines = []
    for architecture, offered in packages.items():
        name = f"main/binary-{architecture}/Packages"
        content = "\n".join(each.stanza(b"not there") for each in offered).encode()
        path = tmp_path / "archive/dists/stable" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        lines.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}\n")
    release = "Suite: stable\nArchitectures: all amd64\nComponents: main\nSHA256:\n"
    signed = key.sign_inline(release + "".join(lines))
    (tmp_path / "archive/dists/stable/InRelease").write_bytes(signed)
    machine = AptMachine(tmp_path / "machine")
    machine.install([AptPackage("wave", "1.0"), AptPackage("tide", "2.0", architecture="all")])
    ring = machine.write("keyrings/sandbox.gpg", key.public)

    with ArchiveServer(tmp_path / "archive") as server:
        machine.write("sources.list", f"deb [signed-by={ring}] {server.url} stable main\n")
        expected = machine.upgrades()
        _, system = check_system_packages(machine.packages_lock(), machine.sources_lock())

    assert {each.name for each in system.changes} == set(expected) == {"wave", "tide"}
