"""The process of the sandbox's server: started in the background, found again, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.ec2.state.latency import DEFAULT_LATENCY
from sandbox.errors import SandboxError
from sandbox.files import tail, write_json
from sandbox.home import Home

HEALTH_PATH = "/notebake-sandbox/health"
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 30
KILL_TIMEOUT_SECONDS = 30
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Ignores the proxy settings of the environment: the API listens on this machine."""


@dataclass(frozen=True)
class ServerOptions:
    """The options of a server; None stands for its default."""

    latency: str | None = None
    faults: Path | None = None
    """A file of faults."""
    seed: int | None = None
    """What the lengths of the states are drawn by."""

    def words(self) -> list[str]:
        """Return the options as words of the server's command line."""
        words = ["--latency", self.latency] if self.latency else []
        words += ["--seed", str(self.seed)] if self.seed is not None else []
        return words + (["--faults", str(self.faults.absolute())] if self.faults else [])


def find_server(home: Home) -> int | None:
    """Return the process id of the home's server if it runs; a reused id does not count."""
    recorded = _read_record(home)
    alive = recorded and _start_time(recorded["pid"]) == recorded["started"]
    return int(recorded["pid"]) if alive else None


def find_latency(home: Home) -> str:
    """Return the name of the latency with which the home's server was started."""
    return str(_read_record(home).get("latency") or DEFAULT_LATENCY)


def start_server(home: Home, options: ServerOptions) -> int:
    """Start the server and return its process id once the API answers."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", home.api_port))
        except OSError as error:
            raise SandboxError(f"Another program listens on 127.0.0.1:{home.api_port}") from error
    with home.log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.api.server", "--home", home.path, *options.words()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
    started = {"pid": process.pid, "started": _start_time(process.pid), "latency": options.latency}
    write_json(home.pid_path, started)
    try:
        _wait_for_answer(home, process)
    except BaseException:  # Ctrl-C included
        stop_server(home)
        raise
    return process.pid


def stop_server(home: Home) -> None:
    """Stop the server, by SIGTERM and then by SIGKILL. Does nothing if none runs."""
    for number, patience_seconds in (
        (signal.SIGTERM, STOP_TIMEOUT_SECONDS),
        (signal.SIGKILL, KILL_TIMEOUT_SECONDS),
    ):
        deadline = time.monotonic() + patience_seconds
        if process_id := find_server(home):
            with suppress(ProcessLookupError):
                os.kill(process_id, number)
        while find_server(home) and time.monotonic() < deadline:
            time.sleep(0.05)
    if process_id := find_server(home):
        raise SandboxError(f"The server, process {process_id}, outlived SIGKILL")
    home.pid_path.unlink(missing_ok=True)


def answers(home: Home) -> bool:
    """Return whether the API answers."""
    with (
        suppress(urllib.error.URLError, OSError),
        _DIRECT.open(home.api_url + HEALTH_PATH, timeout=5) as answer,
    ):
        return bool(answer.status == 200)
    return False


def _wait_for_answer(home: Home, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not answers(home):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SandboxError(f"The server did not start: {tail(home.log_path, 2000)}")
        time.sleep(0.05)


def _read_record(home: Home) -> dict[str, Any]:
    try:
        recorded: dict[str, Any] = json.loads(home.pid_path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return recorded


def _start_time(process_id: int) -> str | None:
    """Return when a process started, in ticks since the boot; None if it is dead or a zombie."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]
