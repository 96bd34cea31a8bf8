"""The sandbox's own command line, as `make up` and the rehearsal use it."""

import os
import shlex
import subprocess
import sys

from notebake.project import PROJECT


def cloud_environment() -> dict[str, str]:
    """Return the variables that `python -m sandbox env` prints."""
    command = [sys.executable, "-m", "sandbox", "env"]
    printed = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=PROJECT, env=own_environment()
    )
    pairs = (word.partition("=") for word in shlex.split(printed.stdout))
    return {name: value for name, sign, value in pairs if sign}


def sandbox(*arguments: str, quiet: bool = False) -> int:
    """Run one command of the sandbox and return its exit code."""
    output = subprocess.DEVNULL if quiet else None
    command = [sys.executable, "-m", "sandbox", *arguments]
    variables = own_environment()
    return subprocess.run(
        command, cwd=PROJECT, check=False, stdout=output, env=variables
    ).returncode


def own_environment() -> dict[str, str]:
    """Return a copy of this process's variables, for programs that threads start.

    Without a copy, the start fails with "Bad address" if another thread sets a variable meanwhile:
    the C library may move its own list.
    """
    return os.environ.copy()
