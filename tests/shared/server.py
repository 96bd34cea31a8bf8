"""Prefect's server as the unit of `deployments/systemd` starts it, on a cluster of its own."""

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from notebake.project import PROJECT
from notebake.waiting import wait_until
from tests.limits import HANG_SECONDS

UNITS = PROJECT / "deployments" / "systemd"
PASSWORD = "not-a-word-that-stands-elsewhere"  # noqa: S105
AUTH_STRING = f"notebake:{PASSWORD}"
CLUSTER = """
import sys
from deployments import postgresql
if sys.argv[1] == "start":
    postgresql.start_cluster()
    print(postgresql.cluster_url())
else:
    postgresql.stop_cluster()
"""


@dataclass(frozen=True)
class UnitServer:
    """A server with a password, and where its files are."""

    url: str
    home: Path
    pid: int

    @property
    def api(self) -> httpx.Client:
        auth = httpx.BasicAuth("notebake", PASSWORD)
        return httpx.Client(base_url=f"{self.url}/api", auth=auth, trust_env=False, timeout=60)

    def environment(self) -> dict[str, str]:
        """Return the variables of a program that uses the server."""
        return plain_environment() | {
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_API_AUTH_STRING": AUTH_STRING,
            "PREFECT_HOME": str(self.home / "client"),
            "PREFECT_CLI_PROMPT": "false",
        }


def plain_environment() -> dict[str, str]:
    return {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}


def in_cluster(home: Path, what: str) -> str:
    """Start or stop the cluster of a home, and return what was printed."""
    done = subprocess.run(
        [sys.executable, "-c", CLUSTER, what],
        env=os.environ | {"NOTEBAKE_HOME": str(home)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def cluster_started(home: Path) -> Iterator[str]:
    """Start a cluster, and give the address of its database."""
    try:
        yield in_cluster(home, "start")
    finally:
        in_cluster(home, "stop")


def variables_of(name: str) -> dict[str, str]:
    """Return what a unit sets in `Environment=`."""
    lines = re.findall(r"^Environment=(.*)$", (UNITS / name).read_text(), re.MULTILINE)
    pairs = [pair for line in lines for pair in shlex.split(line)]
    return dict(pair.split("=", 1) for pair in pairs)


def example_file(name: str) -> dict[str, str]:
    """Return what an example of an environment file sets."""
    lines = (UNITS / f"{name}.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def command_of(name: str, key: str = "ExecStart") -> list[str]:
    """Return the command of a unit, with this environment's Python."""
    (line,) = re.findall(rf"^{key}=(.*)$", (UNITS / name).read_text(), re.MULTILINE)
    words: list[str] = shlex.split(line)
    assert words[0] == "/opt/notebake/.venv/bin/python"
    return [sys.executable, *words[1:]]


def moved(variables: dict[str, str], state: Path) -> dict[str, str]:
    """Return the variables with the directories of this machine."""
    return {
        name: text.replace("/opt/notebake", str(PROJECT)).replace("/var/lib/notebake", str(state))
        for name, text in variables.items()
    }


@contextmanager
def unit_server(home: Path) -> Iterator[UnitServer]:
    """Start PostgreSQL, and a server with a password on it as its unit does."""
    with cluster_started(home) as database_url, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        state = home / "state"
        state.mkdir(mode=0o700)
        changed = {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url,
            "PREFECT_SERVER_API_AUTH_STRING": AUTH_STRING,
            "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
        }
        given = example_file("prefect.env")
        assert set(changed) <= set(given)
        unit = moved(variables_of("notebake-prefect.service"), state)
        *command, usual_port = command_of("notebake-prefect.service")
        assert usual_port == "4200"
        with (home / "unit.log").open("wb") as log:
            started = subprocess.Popen(
                [*command, str(port)],
                env=plain_environment() | unit | given | changed,
                cwd=state,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            server = UnitServer(f"http://127.0.0.1:{port}", home, started.pid)
            wait_until(
                lambda: has_answered(server, started),
                what="the server",
                timeout_seconds=HANG_SECONDS,
            )
            yield server
        finally:
            started.terminate()
            started.wait(timeout=HANG_SECONDS)


def has_answered(server: UnitServer, process: subprocess.Popen[bytes]) -> bool | None:
    assert process.poll() is None, (server.home / "unit.log").read_text()[-3000:]
    try:
        return httpx.get(f"{server.url}/api/health", trust_env=False).is_success or None
    except httpx.HTTPError:
        return None
