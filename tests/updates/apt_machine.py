"""A machine as apt sees it, in a folder: apt and dpkg themselves say what it has and would do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from notebake.apt import packages, sources
from sandbox.archives.apt_package import AptPackage
from tests.limits import HANG_SECONDS

INSTALL = re.compile(r"^Inst (?P<name>\S+) \[(?P<old>\S+)\] \((?P<new>\S+) ", re.MULTILINE)
SETTINGS = """\
Dir "{root}/";
Dir::State::status "{root}/var/lib/dpkg/status";
Dir::Log "{root}/var/log";
APT::Architecture "amd64";
APT::Architectures {{ {architectures} }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "0";
APT::Get::Always-Include-Phased-Updates "true";
"""


class AptMachine:
    """An apt of its own below `root`: sources, keys, lists and a status file."""

    def __init__(self, root: Path, *, architectures: Iterable[str] = ("amd64",)) -> None:
        self.root = root
        for folder in (
            *("etc/apt/sources.list.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d"),
            *("etc/apt/keyrings", "etc/apt/apt.conf.d", "var/lib/apt/lists/partial"),
            *("var/cache/apt/archives/partial", "var/lib/dpkg/info", "var/lib/dpkg/updates"),
            "var/log",
        ):
            (root / folder).mkdir(parents=True)
        listed = " ".join(f'"{each}";' for each in architectures)
        self.settings = root / "apt.conf"
        self.settings.write_text(SETTINGS.format(root=root, architectures=listed))
        self.install(())

    def write(self, path: str, content: str | bytes) -> str:
        """Write a file below /etc/apt, and return its path."""
        file = self.root / "etc/apt" / path
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(file)

    def install(self, installed: Iterable[AptPackage], held: Iterable[str] = ()) -> None:
        """Make dpkg believe that exactly these packages are installed."""
        on_hold = set(held)
        stanzas = [
            each.control.replace(
                "\n",
                f"\nStatus: {'hold' if each.name in on_hold else 'install'} ok installed\n",
                1,
            )
            for each in installed
        ]
        (self.root / "var/lib/dpkg/status").write_text("\n".join(stanzas))

    def prefer(self, release: str) -> None:
        """Set APT::Default-Release."""
        self.settings.write_text(self.settings.read_text() + f'APT::Default-Release "{release}";\n')

    def run(self, *words: str) -> str:
        """Return what a program prints that sees only this machine."""
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            env=self.environment,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "APT_CONFIG": str(self.settings),
            "DPKG_ADMINDIR": str(self.root / "var/lib/dpkg"),
            "LC_ALL": "C.UTF-8",
        }

    def upgrades(self) -> dict[str, tuple[str, str]]:
        """Return what apt itself would upgrade, by name: the old version and the new one."""
        self.run("apt-get", "--quiet", "update")
        printed = self.run("apt-get", "--simulate", "dist-upgrade")
        return {each["name"]: (each["old"], each["new"]) for each in INSTALL.finditer(printed)}

    def packages_lock(self) -> bytes:
        """Return apt-packages.json, as the program writes it there."""
        return self.run(sys.executable, packages.__file__).encode()

    def sources_lock(self) -> bytes:
        """Return apt-sources.json, as the program writes it there."""
        return self.run(sys.executable, sources.__file__, str(self.root / "etc/apt")).encode()


def edited(lock: bytes, **changes: Any) -> bytes:
    """Return a lock file in JSON with other values."""
    document: Mapping[str, Any] = json.loads(lock)
    return json.dumps({**document, **changes}).encode()
