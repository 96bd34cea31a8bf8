"""A Prefect server of our own on this machine, for whoever has no other.

It is shared by all builds of this user, and ended by the last of them unless it was started to
stay. Everything that it keeps lies in the home of notebake.
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

from flows.local_prefect.empty_database import begin_with_tables
from flows.local_prefect.prefect_program import with_project
from flows.local_prefect.server_program import listen
from flows.local_prefect.settings import SETTINGS
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
"""No build uses Prefect's blocks; a server that stays notes them all, once for each home."""
FOREIGN = ("PREFECT_API_", "PREFECT_PROFILE", "PREFECT_SERVER_")
"""What the names of Prefect's settings about one server begin with."""
USUAL_PORT = 4200
START_SECONDS = 180
END_SECONDS = 15


class Server(Record):
    """A server that was started, and the worker beside it."""

    url: str
    server: Process
    worker: Process | None = None
    stays: bool = False
    """Whether it was started for its own sake, and is not ended by the last build."""


def state_path() -> Path:
    """Return where it is noted which server was started last."""
    return home() / "server.json"


def environment(url: str) -> dict[str, str]:
    """Return the environment in which Prefect's programs find this server and nothing else.

    What a user has set for a server of his own, such as its database or its password, is left out.
    """
    kept = {name: it for name, it in os.environ.items() if not name.upper().startswith(FOREIGN)}
    bypass_proxy_for_loopback(kept)
    # They are started where no file with settings of Prefect's lies about.
    return with_project(proxies_known_to_httpx(kept)) | settings_for(url)


def settings_for(url: str) -> dict[str, str]:
    """Return the variables by which Prefect, and we, find this server."""
    return SETTINGS | {
        "NOTEBAKE_HOME": str(home()),
        "NOTEBAKE_PROJECT": str(PROJECT),
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_HOME": str(home() / "prefect"),
    }


def start_server(*, stays: bool = False) -> Server:
    """Return our server, started unless it runs already, once it answers."""
    with starting_server(stays=stays) as server:
        return server


@contextmanager
def starting_server(*, stays: bool = False) -> Iterator[Server]:
    """Have our server on its way while the block runs; after it the server answers.

    Raises:
        NotebakeError: it did not start; the end of its log is in the message.
    """
    make_private_directory(home())
    with (home() / "server.starting").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        kept = read_state()
        if kept and not is_dead(kept.server) and answers(kept.url):
            yield keep(kept.model_copy(update={"stays": stays or kept.stays}))
            return
        # It listens from now on, and the server gets the socket: no other one can answer for it.
        with open_port() as listening:
            port, descriptor = listening.getsockname()[1], listening.fileno()
            url = f"http://127.0.0.1:{port}"
            begin_with_tables(home() / "prefect")
            variables = environment(url) | ({} if stays else WITHOUT_BLOCK_CATALOGUE)
            command = [*SERVER, str(port), str(descriptor)]
            process = start_program("server", command, variables, keep_open=[descriptor])
        server = keep(Server(url=url, server=process, stays=stays))
        yield server
        wait_for_server(server)


def start_program(
    name: str, command: list[str], variables: dict[str, str], *, keep_open: Sequence[int] = ()
) -> Process:
    """Start a program in a session of its own, so that Ctrl-C here does not end it.

    It gets the descriptors that are to be kept open, beside its own log.
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
    """Wait until the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while not answers(server.url):
        if time.monotonic() > deadline or is_dead(server.server):
            lines = (home() / "server.log").read_text(errors="replace").splitlines()
            tail = "\n".join(lines[-15:])
            raise NotebakeError(f"The Prefect server did not start. Its log ends with:\n{tail}")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Tell whether a server answers at an address."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=2)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def open_port() -> socket.socket:
    """Return a socket that listens on Prefect's usual port, or on another where that is taken."""
    for port in (USUAL_PORT, 0):
        with suppress(OSError):
            return listen(port)
    raise NotebakeError("There is no free port on 127.0.0.1.")


def stop_server() -> None:
    """End the worker and the server that we started, and nothing else."""
    kept = read_state()
    if kept is None:
        return
    for process in (kept.worker, kept.server):
        if process is not None:
            end(process)
    state_path().unlink(missing_ok=True)


def end(process: Process) -> None:
    """End a process and what it started; a number that belongs to another one by now is left."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        if is_dead(process):
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, wanted)
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline and not is_dead(process):
            time.sleep(0.05)


def is_up() -> bool:
    """Tell whether a server that we started is there."""
    kept = read_state()
    return kept is not None and not is_dead(kept.server)


def read_state() -> Server | None:
    """Return the server that was started last, if there is a note of it."""
    try:
        return Server.model_validate_json(state_path().read_text())
    except (OSError, ValueError):
        return None


def keep(server: Server) -> Server:
    """Note which server was started, by rename."""
    write_file(state_path(), server.model_dump_json().encode())
    return server
