"""An apt archive and the lock files of a machine made from it, before anything changes."""

import json
from pathlib import Path
from typing import Any

from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.system_packages import check_system_packages
from sandbox.archives.apt_archive import AptArchive
from sandbox.archives.server import ArchiveServer
from sandbox.archives.signing_key import SigningKey
from tests.updates.apt_machine import AptMachine

SUITES: dict[str, dict[str, str]] = {
    "stable": {"Codename": "tide"},
    "stable-updates": {"Codename": "tide-updates"},
    "tide-security": {"Suite": "stable-security", "Label": "Debian-Security"},
    "stable-backports": {"NotAutomatic": "yes", "ButAutomaticUpgrades": "yes"},
    "experimental": {"NotAutomatic": "yes"},
}
PACKAGES = (
    # name, version, suite, component, architecture
    ("libwave", "1.2-1", "stable", "main", "amd64"),
    ("libwave", "1.2-1", "stable", "main", "i386"),
    ("wave-data", "20240101", "stable", "main", "all"),
    ("openssl", "3.0.15-1~deb12u1", "stable", "main", "amd64"),
    ("git", "1:2.39.5-0+deb12u1", "stable", "main", "amd64"),
    ("curl", "7.88.1-10", "stable", "main", "amd64"),
    ("curl", "7.88.1-10+deb12u5", "tide-security", "main", "amd64"),
    ("tzdata", "2024a-0+deb12u1", "stable-updates", "main", "all"),
    ("fonts", "2.0~rc2-1", "stable", "contrib", "all"),
    ("bash", "5.2.15-2+b7", "stable", "main", "amd64"),
    ("zlib1g", "1:1.2.13.dfsg-1", "stable", "main", "amd64"),
    ("python3.11", "3.11.2-6+deb12u4", "tide-security", "main", "amd64"),
)


def new_archive(folder: Path, key: SigningKey) -> AptArchive:
    """Return the archive as it was when the machine was made; it is not published yet."""
    archive = AptArchive(folder, key, with_files=False)
    for name, fields in SUITES.items():
        archive.add_suite(
            name, components=("main", "contrib"), architectures=("amd64", "i386"), **fields
        )
    for name, version, suite, component, architecture in PACKAGES:
        more = {"Multi_Arch": "same"} if name == "libwave" else {}
        archive.add_package(name, version, suite, component, architecture=architecture, **more)
    return archive


def record_machine(folder: Path, url: str, key: SigningKey) -> tuple[bytes, bytes]:
    """Return the lock files of a machine that has all packages of the archive."""
    archive = new_archive(folder / "archive", key)
    archive.publish()
    machine = AptMachine(folder / "machine", architectures=("amd64", "i386"))
    newest = {
        (package.name, package.architecture): package
        for suite in archive.suites.values()
        for package in suite.packages
    }
    machine.install(newest.values())
    write_sources(machine, url, key)
    machine.run("apt-get", "--quiet", "update")
    return machine.packages_lock(), machine.sources_lock()


def write_sources(machine: AptMachine, url: str, key: SigningKey) -> None:
    """Let a machine have all suites of the archive, and trust its key."""
    ring = machine.write("keyrings/sandbox.gpg", key.public)
    machine.write(
        "sources.list.d/sandbox.sources",
        f"Types: deb\nURIs: {url}\nSuites: stable stable-updates stable-backports experimental\n"
        f"Components: main contrib\nSigned-By: {ring}\n\n"
        f"Types: deb\nURIs: {url}\nSuites: tide-security\n"
        f"Components: main contrib\nSigned-By: {ring}\n",
    )


class AptWorld:
    """The archive that a test changes, and the lock files that it may change too."""

    def __init__(
        self, server: ArchiveServer, packages: bytes, sources: bytes, key: SigningKey
    ) -> None:
        self.server, self.key = server, key
        self.archive = new_archive(server.folder, key)
        self.packages: dict[str, Any] = json.loads(packages)
        self.sources: dict[str, Any] = json.loads(sources)

    def set_installed(self, name: str, version: str, architecture: str = "") -> None:
        """Let the image have had another version of a package."""
        for each in self.packages["packages"]:
            if each["name"] == name and architecture in ("", each["architecture"]):
                each["version"] = version

    def change_sources(self, old: str, new: str) -> None:
        """Replace a text in the sources."""
        text = json.dumps(self.sources["sources"])
        assert old in text
        self.sources["sources"] = json.loads(text.replace(old, new))

    def check(self) -> tuple[CauseFinding, CauseFinding]:
        """Return the findings for `security` and `system`."""
        packages, sources = json.dumps(self.packages), json.dumps(self.sources)
        return check_system_packages(packages.encode(), sources.encode())


def newer_everywhere(world: AptWorld) -> None:
    """Give both causes a change, so that a test sees what still is asked."""
    world.archive.add_package("git", "1:3-1", "tide-security")
    world.archive.add_package("bash", "6-1", "stable-updates")
