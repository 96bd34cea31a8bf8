"""A program that is measured: run to its end, its output kept, and ended when we are."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.own_cloud import PROJECT, undisturbed

LIMIT_SECONDS = 900
GRACE_SECONDS = 20


@dataclass(frozen=True)
class Ended:
    """When a program ran, in seconds since 1970."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def run_to_end(command: list[str], environment: Mapping[str, str], log_path: Path) -> Ended:
    """Run a program.

    Raises:
        RuntimeError: it failed; the end of its output is in the message.
    """
    with log_path.open("wb") as log:
        began = time.time()
        with running(command, environment, log) as process:
            try:
                code = process.wait(LIMIT_SECONDS)
            except subprocess.TimeoutExpired as error:
                message = f"`{' '.join(command)}` had not ended within {LIMIT_SECONDS} s"
                raise RuntimeError(message) from error
            ended = time.time()
    if code:
        tail = "\n".join(log_path.read_text(errors="replace").splitlines()[-25:])
        raise RuntimeError(f"`{' '.join(command)}` ended with {code}:\n{tail}")
    return Ended(began, ended)


@contextmanager
def running(
    command: list[str], environment: Mapping[str, str], output: IO[bytes] | int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program while the block runs, in a session of its own; errors go to its output, too."""
    process = subprocess.Popen(
        command,
        env=dict(environment),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with undisturbed():
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a program to end, unless it has; after a while end it, and all of its session."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
