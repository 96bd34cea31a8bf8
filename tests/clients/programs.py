"""Where the outside clients are, and how they are run: unmodified, in a home of their own."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.install import INSTALLED, LOCKS, is_installed
from tests.limits import HANG_SECONDS

MISSING = "{} is not here (make clients)"


def find_or_skip(client: str, name: str, *arguments: str) -> str:
    """Return the first program of this name that works: a shim may stand before it."""
    for folder in [*os.environ["PATH"].split(os.pathsep), "/usr/bin"]:
        path = Path(folder) / name
        if os.access(path, os.X_OK) and answers(str(path), *arguments):
            return str(path)
    pytest.skip(MISSING.format(client))


def installed_or_skip(client: str, name: str, place: str) -> str:
    """Return what `python -m tests.clients.install` has installed, from the present lock file."""
    if not is_installed(name, LOCKS[name]):
        pytest.skip(MISSING.format(client))
    return str(INSTALLED / name / place)


def answers(*words: str) -> bool:
    try:
        done = subprocess.run(words, capture_output=True, timeout=HANG_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@dataclass(frozen=True)
class Program:
    """One client, pointed at a cloud by nothing but what its own documentation says."""

    path: str
    folder: Path
    environment: Mapping[str, str]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Run it in the background; nothing of the person's own settings reaches it."""
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        return subprocess.Popen(
            [self.path, *words],
            cwd=self.folder,
            env={**own, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def try_to_run(self, *words: str) -> tuple[int, str, str]:
        """Return the exit code, and what was written to both streams."""
        with self.start(*words) as process:
            try:
                printed, errors = process.communicate(timeout=HANG_SECONDS)
            except BaseException:
                process.kill()
                raise
        return process.returncode, printed, errors

    def run(self, *words: str) -> str:
        """Return what it printed; it must succeed."""
        code, printed, errors = self.try_to_run(*words)
        assert code == 0, f"{words}\n{printed}\n{errors}"
        return printed
