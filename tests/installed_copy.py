"""The distribution as others get it: a wheel, installed into an environment of its own."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.limits import HANG_SECONDS

ROOT = Path(__file__).parents[1]
LEFT_OUT = (".*", "__pycache__", "build", "*.egg-info", "tests", "benchmarks", "docs")
FOREIGN = ("deployments", "flows", "sandbox", "tasks")
"""Packages of somebody else that lie beside ours in the environment."""


@dataclass(frozen=True)
class InstalledCopy:
    """An environment in which nothing leads to this checkout."""

    environment: Path

    @property
    def wheel(self) -> Path:
        """The wheel that it was installed from, where `install_copy` has made it."""
        return next(self.environment.parent.glob("*.whl"))

    @property
    def packages(self) -> Path:
        """Where the environment keeps its packages."""
        return next(self.environment.glob("lib/python3*/site-packages"))

    def start(
        self, program: str, *words: str, folder: Path, **variables: str
    ) -> subprocess.Popen[str]:
        """Start one of its programs in a folder; both its streams are in `stdout`."""
        return subprocess.Popen(
            [self.environment / "bin" / program, *words],
            cwd=folder,
            env=without_the_checkout(os.environ) | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, program: str, *words: str, folder: Path, **variables: str) -> "Done":
        """Run one of its programs to its end."""
        with self.start(program, *words, folder=folder, **variables) as process:
            printed, _ = process.communicate(timeout=HANG_SECONDS)
        return Done(process.returncode, printed)


@dataclass(frozen=True)
class Done:
    """How a program ended, and what it printed."""

    exit_code: int
    printed: str


def without_the_checkout(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those by which Python would find the checkout."""
    return {name: it for name, it in variables.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def install_copy(folder: Path) -> InstalledCopy:
    """Build the wheel and install it without a network, beside the packages of these tests.

    Only the dependencies are shared: an editable notebake among them is found by a .pth file, and
    those of a folder that is named by a .pth file itself are not read.
    """
    wheel = build_wheel(folder)
    environment = folder / "environment"
    quietly("-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    quietly("-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel)
    copy = InstalledCopy(environment)
    (copy.packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    for name in FOREIGN:
        (copy.packages / name).mkdir()
        (copy.packages / name / "__init__.py").write_text('WHOSE = "somebody else\'s"\n')
    return copy


def build_wheel(folder: Path) -> Path:
    """Return the wheel, built from a copy of the project: a build leaves its own folders there."""
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*LEFT_OUT))
    words = ("wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    quietly("-m", "pip", *words, source)
    return next(folder.glob("*.whl"))


def quietly(*words: str | Path) -> None:
    """Run a program of this Python; what it says is told where it fails."""
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
