"""A small world for shell texts: bash in its own directory, fake programs first on PATH."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.limits import HANG_SECONDS

NASTY = "a b'c\"d$(touch INJECTED)`touch INJECTED`;&|*?\\e"
"""A value that does harm wherever it reaches a shell unquoted."""

WITHOUT_OWNER = """[ "${{0##*/}}" != chown ] || exit 0
for word; do case $word in --owner=*) ;; *) words+=("$word") ;; esac; done
exec {program} "${{words[@]}}"
"""
"""What an ordinary user can do of a program that gives files away."""


@dataclass
class ShellWorld:
    """Where a shell text runs, and with which programs."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)

    def fake(self, name: str, body: str) -> Path:
        """Put a program first on PATH; it notes each call in `calls`, then does `body`."""
        path = self.directory / "bin" / name
        path.parent.mkdir(exist_ok=True)
        calls = self.directory / "calls"
        path.write_text(f"""#!/bin/bash\necho "{name} ${{*//$'\\n'/ }}" >> {calls}\n{body}\n""")
        path.chmod(0o755)
        return path

    @property
    def calls(self) -> list[str]:
        """What the fake programs were called with, in order."""
        path = self.directory / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def path(self) -> str:
        """Where programs are looked for: the fake ones first."""
        return f"{self.directory / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin"

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run a text as the host would, and prove that nothing in it ran by injection."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        kept["PATH"] = self.path
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self.directory,
            env=kept | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANG_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        assert not list(self.directory.rglob("INJECTED")), "a value was run as a command"
        return done


def shell_world(directory: Path) -> ShellWorld:
    """Return a world in which we are root already: `sudo` and `setpriv` only pass on."""
    world = ShellWorld(directory)
    runs_the_rest = 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"'
    world.fake("sudo", runs_the_rest)
    world.fake("setpriv", runs_the_rest)
    if os.geteuid() != 0:
        for name in ("install", "chown"):
            world.fake(name, WITHOUT_OWNER.format(program=shutil.which(name)))
    return world


def installed_folders(world: ShellWorld) -> Callable[[], list[str]]:
    """Put a program in the place of install(1); return who says which folders got which owner."""
    shown = world.directory / "installed"
    world.fake(
        "install",
        "for word; do case $word in --owner=*) owner=${word#*=} ;; /*) folder=$word ;; esac; done\n"
        f'echo "$owner $folder" >> {shown}; mkdir --parents "$folder"',
    )
    return lambda: shown.read_text().splitlines()
