"""PostgreSQL for a Prefect that several workers share: a cluster of our own, in notebake's home.

It listens on a socket in a private directory and on no network, and lets in the user who started
it, as the kernel names him: there is no password that could be read.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from deployments.postgresql_programs import (
    as_server,
    directory,
    find_programs,
    is_root,
    program_variables,
    run_program,
    seen_by_server,
    system_user,
)
from flows.local_prefect.server import start_program
from notebake.errors import NotebakeError
from notebake.local.atomic_files import make_private_directory, write_file
from notebake.local.home import HOME_HINT, home
from notebake.local.process import Process, is_dead

ROLE = DATABASE = "notebake"
SOCKET_PATH_BYTES = 107
"""The longest path of a socket (unix(7), sun_path)."""
START_SECONDS = 120
END_SECONDS = 30


def cluster_url() -> str:
    """Return the address of Prefect's database, as SQLAlchemy takes it."""
    return f"postgresql+asyncpg://{ROLE}@/{DATABASE}?host={directory() / 'socket'}"


def start_cluster() -> Process:
    """Return the process of the cluster when it answers; make and start the cluster if need be.

    Raises:
        NotebakeError: PostgreSQL is missing or failed; the message has the end of its output.
    """
    make_directories()
    if not (directory() / "data").exists():
        make_cluster()
    running = find_cluster() or start_postgres()
    wait_for_cluster(running)
    if not query("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):  # noqa: S608
        query("postgres", f"CREATE DATABASE {DATABASE}")
    return running


def start_postgres() -> Process:
    """Start the program, record its process, and return that."""
    data, socket = (seen_by_server(directory() / name) for name in ("data", "socket"))
    command = [str(find_programs() / "postgres"), "-D", data, "-c", "listen_addresses="]
    command += ["-c", f"unix_socket_directories={socket}", "-c", "unix_socket_permissions=0700"]
    started = start_program("postgresql", as_server(command), program_variables())
    write_file(record_path(), started.model_dump_json().encode())
    return started


def stop_cluster() -> None:
    """End the cluster. It first closes its connections; its files stay."""
    running = find_cluster()
    # https://www.postgresql.org/docs/15/server-shutdown.html: fast, then immediate.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if running is None or is_dead(running):
            break
        with suppress(ProcessLookupError):
            os.kill(running.pid, number)
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline and not is_dead(running):
            time.sleep(0.05)
    record_path().unlink(missing_ok=True)


def find_cluster() -> Process | None:
    """Return the process of the cluster that was started last, if it is alive."""
    try:
        started = Process.model_validate_json(record_path().read_text())
    except (OSError, ValueError):
        return None
    return None if is_dead(started) else started


def record_path() -> Path:
    """Return the path of the record of the cluster's process."""
    return home() / "postgresql.json"


def make_directories() -> None:
    """Create the directory of the cluster, and that of its socket, for the cluster's user only.

    Raises:
        NotebakeError: the path is too long for a socket.
    """
    socket = directory() / "socket" / ".s.PGSQL.5432"
    if len(os.fsencode(socket)) > SOCKET_PATH_BYTES:
        raise NotebakeError(f"PostgreSQL cannot listen on {socket}: too long a path.", HOME_HINT)
    make_private_directory(home())
    for path in (directory(), directory() / "socket"):
        make_private_directory(path)
        if is_root():
            owner = system_user()
            os.chown(path, owner.pw_uid, owner.pw_gid)


def make_cluster() -> None:
    """Make an empty cluster, into which only the user of this process is let, by the socket."""
    new = directory() / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    command = [str(find_programs() / "initdb"), "--pgdata", seen_by_server(new)]
    command += ["--username", ROLE, "--encoding", "UTF8", "--locale", "C.UTF-8"]
    run_program(as_server(command))
    user = pwd.getpwuid(os.geteuid()).pw_name
    (new / "pg_hba.conf").write_text("local all all peer map=notebake\n")
    (new / "pg_ident.conf").write_text(f"notebake {user} {ROLE}\n")
    new.rename(directory() / "data")


def wait_for_cluster(process: Process) -> None:
    """Wait until the cluster answers; raise NotebakeError if it does not start."""
    deadline = time.monotonic() + START_SECONDS
    command = [str(find_programs() / "pg_isready"), "--host", str(directory() / "socket")]
    while subprocess.run([*command, "--quiet"], check=False).returncode != 0:
        if time.monotonic() > deadline or is_dead(process):
            tail = (home() / "postgresql.log").read_text(errors="replace").splitlines()[-15:]
            raise NotebakeError("PostgreSQL did not start. Its log ends with:\n" + "\n".join(tail))
        time.sleep(0.05)


def query(database: str, statement: str) -> str:
    """Return what a statement gives, as text; raise NotebakeError if it fails."""
    command = [str(find_programs() / "psql"), "--host", str(directory() / "socket")]
    command += ["--username", ROLE, "--dbname", database, "--no-psqlrc", "--quiet"]
    return run_program([*command, "--tuples-only", "--no-align", "--command", statement])
