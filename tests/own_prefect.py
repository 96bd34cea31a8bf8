"""Prefect with a worker as `make up` starts it, for a home of the test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebake.project import PROJECT
from tests.limits import HANG_SECONDS

START = """
import json, sys
from deployments.local import start_workers
sys.stdout.write(start_workers(json.loads(sys.argv[1]), agreed=True))
"""
START_SHARED = """
import json, sys
from deployments.local import start_shared
sys.stdout.write(start_shared(json.loads(sys.argv[1]), 2, agreed=True))
"""
END = """
from deployments.local import end_prefect
from deployments.postgresql import stop_cluster
from flows.local_prefect.server import read_state
try:
    if started := read_state():
        end_prefect(started)
finally:
    stop_cluster()
"""


@dataclass(frozen=True)
class OwnPrefect:
    """A home of notebake, in which a server and a worker are started and ended."""

    home: Path

    def start(self, cloud: Mapping[str, str]) -> str:
        """Start what is not running, for this cloud, and return the address of the UI."""
        return self._run(START, json.dumps(dict(cloud)))

    def start_shared(self, cloud: Mapping[str, str]) -> str:
        """Start what is not running of PostgreSQL, a server and two workers."""
        return self._run(START_SHARED, json.dumps(dict(cloud))).splitlines()[-1]

    def end(self) -> None:
        """End the workers, the server, and PostgreSQL."""
        self._run(END)

    def state(self) -> dict[str, Any]:
        """Return what is recorded of the server and its worker."""
        found: dict[str, Any] = json.loads((self.home / "server.json").read_text())
        return found

    def _run(self, program: str, *words: str) -> str:
        inherited = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("PREFECT_", "NOTEBAKE_RUNS"))
        }
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            env=inherited | {"NOTEBAKE_HOME": str(self.home)},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def own_prefect(home: Path) -> Iterator[OwnPrefect]:
    """Provide a home, and end what was started in it."""
    prefect = OwnPrefect(home)
    try:
        yield prefect
    finally:
        prefect.end()


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a process that has ended and is not reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")
