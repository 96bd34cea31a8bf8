"""What we say of random machines and archives is what apt itself would do."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.system_packages import NO_SECURITY, check_system_packages
from sandbox.archives.apt_archive import AptArchive
from sandbox.archives.apt_package import AptPackage
from sandbox.archives.server import ArchiveServer
from sandbox.archives.signing_key import SigningKey
from tests.updates.apt_machine import AptMachine

NEEDED = ("apt-get", "dpkg", "gpg", "gpgv")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason=f"These are not all installed: {', '.join(NEEDED)}"
)
VERSIONS = (
    *("1.0", "1.0-1", "1.0-1+b1", "1.0-1+b2", "1.0-1~bpo12+1", "1.0~rc1-1", "1.0~rc1-1~deb12u1"),
    *("1.0+dfsg-1", "1.0-1.1", "1.0-10", "1.0-2", "1:0.9-1", "1:0.9-1+deb12u2", "2:0.1~~a"),
    *("1.10-1", "1.9-1", "1.0-1ubuntu0.1", "1.0-1ubuntu0.10", "20230311", "20230311+deb12u1"),
    *("0~git20240101.abc-1", "1.0a-1", "1.0.-1", "1.0-1+deb12u1", "1.0-1+deb12u1+b1"),
)
SUITES = {
    "stable": {"Suite": "stable", "Codename": "tide", "Version": "12.5"},
    "stable-updates": {"Suite": "stable-updates", "Codename": "tide-updates"},
    "stable-security": {"Label": "Debian-Security", "Codename": "tide-security"},
    "stable-backports": {
        "Codename": "tide-backports",
        "NotAutomatic": "yes",
        "ButAutomaticUpgrades": "yes",
    },
    "experimental": {"Codename": "rc", "NotAutomatic": "yes"},
}
PINS = (
    "Package: *\nPin: release a=stable-backports\nPin-Priority: 500\n",
    "Package: *\nPin: release n=tide-security\nPin-Priority: 990\n",
    "Package: *\nPin: release l=Debian-Security\nPin-Priority: -1\n",
    "Package: p1 p2 p3\nPin: release a=experimental\nPin-Priority: 600\n",
    "Package: p1*\nPin: version 1.0*\nPin-Priority: 700\n",
    "Package: /^p[2-4]$/\nPin: release a=stable\nPin-Priority: 50\n",
    "Package: p5\nPin: version *\nPin-Priority: -1\n",
    "Package: *\nPin: origin 127.0.0.1\nPin-Priority: 99\n",
    'Package: p6 p7\nPin: origin "127.0.0.1"\nPin-Priority: 1\n',
    "Package: *\nPin: release o=Sandbox, c=contrib\nPin-Priority: 1\n",
    "Package: src:source-a\nPin: release a=stable-security\nPin-Priority: -1\n",
    "Package: *\nPin: release a=stable, c=contrib\nPin-Priority: never\n",
    "Package: p8:any\nPin: release tide*\nPin-Priority: 200\n",
    "Package: *\nPin: release 12*\nPin-Priority: 450\n",
    "Explanation: hold back\nPackage: p9 p10\nPin: version 1.0-1\nPin-Priority: 995\n",
)


@pytest.fixture(scope="module")
def key() -> Iterator[SigningKey]:
    with SigningKey() as made:
        yield made


def random_archive(draw: random.Random, folder: Path, key: SigningKey) -> AptArchive:
    """Return an archive of five suites in which each package has some versions."""
    archive = AptArchive(folder, key, with_files=False)
    for name, fields in SUITES.items():
        archive.add_suite(
            name, components=("main", "contrib"), architectures=("amd64", "i386"), **fields
        )
    for number in range(draw.randint(5, 40)):
        architecture = draw.choice(["amd64", "amd64", "amd64", "all", "i386"])
        component = draw.choice(["main", "main", "contrib"])
        more = {"Source": draw.choice(["source-a", "source-b"])} if draw.random() < 0.3 else {}
        for suite in SUITES:
            for version in draw.sample(VERSIONS, draw.choice([0, 0, 1, 1, 1, 2])):
                archive.add_package(
                    f"p{number}", version, suite, component, architecture=architecture, **more
                )
    archive.publish(packed=draw.sample(["", ".gz", ".xz"], draw.randint(1, 3)))
    return archive


def random_installed(draw: random.Random, archive: AptArchive) -> list[AptPackage]:
    """Return packages of the archive, some in versions that it has not, and local ones."""
    known: dict[str, list[AptPackage]] = {}
    for suite in archive.suites.values():
        for package in suite.packages:
            known.setdefault(package.name, []).append(package)
    installed = []
    for name, packages in known.items():
        if draw.random() < 0.2:
            continue
        chosen = draw.choice(packages)
        if draw.random() < 0.4:
            version = draw.choice(VERSIONS)
            same = [each for each in packages if each.version == version]
            chosen = (same or [AptPackage(name, version, "main", chosen.architecture)])[0]
        installed.append(chosen)
    return [*installed, AptPackage("local", "1.0-1", "main", "all")]


def write_sources(draw: random.Random, machine: AptMachine, url: str, key: SigningKey) -> list[str]:
    """Write sources in one of apt's forms, the key in one of the places for it; return suites."""
    suites = draw.sample(list(SUITES), draw.randint(1, len(SUITES)))
    ring = machine.write("keyrings/sandbox.gpg", key.public)
    armoured = machine.write("keyrings/sandbox.asc", key.armoured)
    place = draw.choice([ring, armoured, "", "inline"])
    if place == "":
        machine.write("trusted.gpg.d/sandbox.asc", key.armoured)
    if place == "inline" or draw.random() < 0.5:
        lines = "".join(f" {line or '.'}\n" for line in key.armoured.splitlines())
        signed = f"Signed-By:\n{lines}" if place == "inline" else f"Signed-By: {place}\n"
        half = draw.randint(0, len(suites))
        stanzas = [
            f"# a comment\nTypes: deb\nURIs: {url}/\nSuites: {' '.join(some)}\n"
            f"Components: main contrib\n{signed if place else ''}"
            for some in (suites[:half], suites[half:])
            if some
        ]
        machine.write("sources.list.d/sandbox.sources", "\n".join(stanzas))
        return suites
    option = f"[arch=amd64,i386 signed-by={place}] " if place else ""
    lines = "".join(f"deb {option}{url} {suite} main contrib # ours\n" for suite in suites)
    machine.write("sources.list", lines)
    return suites


@cache
def is_lower(left: str, right: str) -> bool:
    """Ask dpkg which of two versions is lower."""
    words = ["dpkg", "--compare-versions", left, "lt", right]
    return subprocess.run(words, check=False).returncode == 0


def security_versions(archive: AptArchive, suites: list[str]) -> dict[str, set[str]]:
    """Return which versions the suite for security has, if the machine asks it."""
    found: dict[str, set[str]] = {}
    if "stable-security" not in suites:
        return found
    for package in archive.suites["stable-security"].packages:
        found.setdefault(package.name, set()).add(package.version)
    return found


def shown(finding: CauseFinding) -> dict[str, tuple[str | None, str | None]]:
    """Return the changes of a finding as apt shows them."""
    return {change.name: (change.old, change.new) for change in finding.changes}


@pytest.mark.parametrize("seed", [*range(60), 191, 384, 395])
def test_what_apt_would_upgrade_is_what_we_say(seed: int, tmp_path: Path, key: SigningKey) -> None:
    draw = random.Random(seed)  # noqa: S311  # no secret
    archive = random_archive(draw, tmp_path / "archive", key)
    installed = random_installed(draw, archive)
    machine = AptMachine(tmp_path / "machine", architectures=("amd64", "i386"))
    held = [each.name for each in installed if draw.random() < 0.05]
    machine.install(installed, held)
    if draw.random() < 0.5:
        pins = draw.sample(PINS, draw.randint(1, 4))
        machine.write("preferences.d/pins", "\n".join(pins))
    with ArchiveServer(archive.folder) as server:
        suites = write_sources(draw, machine, server.url, key)
        if draw.random() < 0.3:
            machine.prefer(draw.choice([*suites, SUITES[suites[0]]["Codename"]]))
        expected = machine.upgrades()

        security, system = check_system_packages(machine.packages_lock(), machine.sources_lock())

    assert system.reason == ""
    assert security.reason == ("" if "stable-security" in suites else NO_SECURITY)
    assert shown(security) | shown(system) == expected
    known = security_versions(archive, suites)
    assert set(shown(security)) == {
        name
        for name, (old, new) in expected.items()
        if any(
            is_lower(old, each) and not is_lower(new, each)
            for each in known.get(name.partition(":")[0], ())
        )
    }
