"""A Prefect server that notebake starts on this machine, for users without one of their own.

All builds of a user share it, and the last one ends it unless it was started to stay. Its files are
in the home of notebake.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from pydantic import model_validator

from flows.local_prefect.empty_database import copy_prepared_database
from flows.local_prefect.prefect_environment import SETTINGS
from flows.local_prefect.prefect_program import with_project
from flows.local_prefect.server_program import listen
from notebake.errors import NotebakeError
from notebake.local.atomic_files import make_private_directory, write_file
from notebake.local.home import home
from notebake.local.loopback import bypass_proxy_for_loopback, proxies_known_to_httpx
from notebake.local.process import Process, is_dead, process_of
from notebake.project import PROJECT
from notebake.record import Record

SERVER = (sys.executable, "-m", "flows.local_prefect.server_program")
WITHOUT_BLOCK_CATALOGUE = {
    "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
}
"""Builds do not use Prefect's blocks; a server that stays registers them once per home."""
SERVER_PREFIXES = ("PREFECT_API_", "PREFECT_PROFILE", "PREFECT_SERVER_")
"""Prefixes of the names of Prefect's settings that belong to one server."""
DATABASE_VARIABLE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
EARLIER_FIELDS = ("worker", "worker_environment")
USUAL_PORT = 4200
START_SECONDS = 180
END_SECONDS = 15


class Worker(Record):
    """A worker that was started for a server."""

    number: int
    process: Process
    environment: str
    """A digest of the variables with which it was started."""


class Server(Record):
    """The server that was started, and its workers."""

    url: str
    server: Process
    database_url: str = ""
    """The database that it was started with; empty for a file of SQLite."""
    workers: tuple[Worker, ...] = ()
    stays: bool = False
    """Whether it keeps running after the last build."""

    @property
    def living_workers(self) -> tuple[Worker, ...]:
        return tuple(worker for worker in self.workers if not is_dead(worker.process))

    @model_validator(mode="before")
    @classmethod
    def _read_earlier_version(cls, given: Any) -> Any:
        """Read the record of a version that knew a single worker, which would be forgotten."""
        if not isinstance(given, dict) or "worker" not in given:
            return given
        worker, digest = given["worker"], given.get("worker_environment", "")
        kept = {name: it for name, it in given.items() if name not in EARLIER_FIELDS}
        found = [{"number": 1, "process": worker, "environment": digest}] if worker else []
        return kept | {"workers": found}


def state_path() -> Path:
    """Return the path of the record of the server that was started last."""
    return home() / "server.json"


def server_environment(url: str) -> dict[str, str]:
    """Return the environment in which Prefect's programs use this server and no other.

    The user's settings for another server, such as its database or password, are left out.
    """
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.upper().startswith(SERVER_PREFIXES)
    }
    bypass_proxy_for_loopback(kept)
    return with_project(proxies_known_to_httpx(kept)) | settings_for(url)


def settings_for(url: str) -> dict[str, str]:
    """Return the variables by which Prefect and notebake find this server."""
    return SETTINGS | {
        "NOTEBAKE_HOME": str(home()),
        "NOTEBAKE_PROJECT": str(PROJECT),
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_HOME": str(home() / "prefect"),
    }


def start_server(*, stays: bool = False, database_url: str = "") -> Server:
    """Return our server when it responds; start it unless it is running."""
    with starting_server(stays=stays, database_url=database_url) as server:
        return server


@contextmanager
def starting_server(*, stays: bool = False, database_url: str = "") -> Iterator[Server]:
    """Start our server unless it is running; when the block has ended, the server responds.

    A server that is running keeps the database that it was started with.

    Raises:
        NotebakeError: it did not start; the message has the end of its log.
    """
    make_private_directory(home())
    with (home() / "server.starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = read_state()
        if running and not is_dead(running.server) and responds(running.url):
            yield save_state(running.model_copy(update={"stays": stays or running.stays}))
            return
        # The socket listens from now on, so that no other server can receive its requests.
        with open_port() as listening:
            port, descriptor = listening.getsockname()[1], listening.fileno()
            url = f"http://127.0.0.1:{port}"
            variables = server_environment(url) | ({} if stays else WITHOUT_BLOCK_CATALOGUE)
            if database_url:
                variables[DATABASE_VARIABLE] = database_url
            else:
                copy_prepared_database(home() / "prefect")
            command = [*SERVER, str(port), str(descriptor)]
            process = start_program("server", command, variables, keep_open=[descriptor])
        # If the server before it has died: workers that nobody knew any more would never end.
        workers = running.living_workers if running else ()
        server = Server(
            url=url, server=process, database_url=database_url, workers=workers, stays=stays
        )
        save_state(server)
        yield server
        wait_for_server(server)


def start_program(
    name: str, command: list[str], variables: dict[str, str], *, keep_open: Sequence[int] = ()
) -> Process:
    """Start a program in its own session, so that Ctrl-C does not end it; its output is logged.

    It inherits the descriptors in `keep_open`.
    """
    with (home() / f"{name}.log").open("wb") as log:
        started = subprocess.Popen(
            command,
            env=variables,
            cwd=home(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep_open,
        )
    return process_of(started.pid)


def wait_for_server(server: Server) -> None:
    """Wait until the server responds; raise NotebakeError if it does not start."""
    deadline = time.monotonic() + START_SECONDS
    while not responds(server.url):
        if time.monotonic() > deadline or is_dead(server.server):
            lines = (home() / "server.log").read_text(errors="replace").splitlines()
            tail = "\n".join(lines[-15:])
            raise NotebakeError(f"The Prefect server did not start. Its log ends with:\n{tail}")
        time.sleep(0.05)


def responds(url: str) -> bool:
    """Return whether a Prefect server responds at this URL."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=2)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def open_port() -> socket.socket:
    """Return a socket that listens on Prefect's usual port, or on another one if that is taken."""
    for port in (USUAL_PORT, 0):
        with suppress(OSError):
            return listen(port)
    raise NotebakeError("There is no free port on 127.0.0.1.")


def stop_server() -> None:
    """End the workers and the server that notebake started."""
    started = read_state()
    if started is None:
        return
    for process in (*(worker.process for worker in started.workers), started.server):
        end_process(process)
    state_path().unlink(missing_ok=True)


def end_process(process: Process) -> None:
    """End a process and its children, unless its process id belongs to another process by now."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if is_dead(process):
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline and not is_dead(process):
            time.sleep(0.05)


def is_running() -> bool:
    """Return whether a server that notebake started is running."""
    started = read_state()
    return started is not None and not is_dead(started.server)


def read_state() -> Server | None:
    """Return the server that was started last, if it is recorded."""
    try:
        return Server.model_validate_json(state_path().read_text())
    except (OSError, ValueError):
        return None


def save_state(server: Server) -> Server:
    """Record which server was started."""
    write_file(state_path(), server.model_dump_json().encode())
    return server
