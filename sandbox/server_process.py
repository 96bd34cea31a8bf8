"""The process that answers for the sandbox: started into the background, found again, ended."""

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
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.guest import tail
from sandbox.home import Home, write_json

READY_PATHS = ("/notebake-sandbox/health", "/moto-api/")
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 30


def find_server(home: Home) -> int | None:
    """Return the process id of the home's server if it lives; a number used again is not it."""
    try:
        recorded = json.loads(home.pid_path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    alive = _start_time(recorded["pid"]) == recorded["started"]
    return int(recorded["pid"]) if alive else None


def start_server(home: Home, faults: Path | None = None) -> int:
    """Return the process id once the API answers; `faults` is a file of what is to go wrong."""
    more = ["--faults", str(faults.absolute())] if faults else []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", home.api_port))
        except OSError as error:
            raise SandboxError(f"Something else listens on 127.0.0.1:{home.api_port}") from error
    with home.log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.server", "--home", home.path, *more],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parent.parent,
            start_new_session=True,
        )
    write_json(home.pid_path, {"pid": process.pid, "started": _start_time(process.pid)})
    try:
        _wait_for_answer(home, process)
    except BaseException:  # Ctrl-C as well
        stop_server(home)
        raise
    return process.pid


def stop_server(home: Home) -> None:
    """End the server, gently at first. Does nothing where none runs."""
    for number, patience_seconds in ((signal.SIGTERM, STOP_TIMEOUT_SECONDS), (signal.SIGKILL, 5)):
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
    """Tell whether the API answers."""
    for path in READY_PATHS:
        with (
            suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(home.api_url + path, timeout=5) as answer,  # noqa: S310
        ):
            return bool(answer.status == 200)
    return False


def _wait_for_answer(home: Home, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not answers(home):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SandboxError(f"The server did not start: {tail(home.log_path, 2000)}")
        time.sleep(0.05)


def _start_time(process_id: int) -> str | None:
    """Return when a process started, in ticks since the boot; None if it is dead or a zombie."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]
