"""Which process this is, and whether another one is provably gone."""

import os
import socket
from pathlib import Path

from notebake.record import Record

PROC = Path("/proc")


class Process(Record):
    """A process, told apart from all others that have or had its number.

    `boot_id`, `pid_namespace` and `started` are empty where the kernel has no /proc.
    """

    host_name: str
    boot_id: str
    pid_namespace: str
    pid: int
    started: str
    """Clock ticks since the machine booted, as proc_pid_stat(5) gives them."""


def this_process() -> Process:
    """Return the process that asks."""
    return process_of(os.getpid())


def process_of(pid: int) -> Process:
    """Return a process that is there; FileNotFoundError for one that is not."""
    has_proc = (PROC / "self" / "stat").exists()
    return Process(
        host_name=socket.gethostname(),
        boot_id=(PROC / "sys/kernel/random/boot_id").read_text().strip() if has_proc else "",
        pid_namespace=str((PROC / "self/ns/pid").readlink()) if has_proc else "",
        pid=pid,
        started=_state_and_start(pid)[1] if has_proc else "",
    )


def is_dead(process: Process) -> bool:
    """Tell whether the process has provably ended; False also means that nobody can tell.

    Containers share the kernel's boot id but not their numbers, hence the namespace.
    """
    here = this_process()
    seen_from_here = (process.boot_id, process.pid_namespace) == (here.boot_id, here.pid_namespace)
    if not here.boot_id or not seen_from_here:
        return False
    try:
        # /proc may hide the processes of others (hidepid); the kernel answers in any case.
        os.kill(process.pid, 0)
        state, started = _state_and_start(process.pid)
    except ProcessLookupError:
        return True
    except (PermissionError, FileNotFoundError):
        return False
    return state in "ZX" or started != process.started


def _state_and_start(pid: int) -> tuple[str, str]:
    """Return fields 3 and 22 of the stat file; the name in field 2 may hold anything."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return fields[0], fields[19]
