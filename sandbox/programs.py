"""Runs programs of the system; an error repeats the output of the failed program."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.errors import SandboxError

INSTALLED = "notebake-sandbox"
COMMAND = INSTALLED if Path(sys.argv[0]).name == INSTALLED else "python -m sandbox"
"""How a person types the sandbox's commands: in a checkout no console script is there for them."""


def run_program(
    *command: str | Path,
    stdin: str | None = None,
    timeout_seconds: float = 60,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Return what the program printed. Raises SandboxError with its last lines if it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise SandboxError(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"{' '.join(words)} took longer than {timeout_seconds} s") from error
    if done.returncode:
        output = "\n".join((done.stderr or done.stdout).strip().splitlines()[-20:])
        raise SandboxError(f"{' '.join(words)} failed ({done.returncode}): {output}")
    return done.stdout
