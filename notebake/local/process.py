"""Identifies processes across machines, and detects those that have provably ended."""

import os
import socket
from pathlib import Path

from notebake.record import Record

PROC = Path("/proc")


class Process(Record):
    """A process, distinct from all others that have or had its pid.

    `boot_id`, `pid_namespace` and `started` are empty on a kernel without /proc.
    """

    host_name: str
    boot_id: str
    pid_namespace: str
    pid: int
    started: str
    """Clock ticks since the machine booted, from proc_pid_stat(5)."""

    @property
    def label(self) -> str:
        return f"process {self.pid} on {self.host_name}"


def this_process() -> Process:
    """Return the current process."""
    return process_of(os.getpid())


def process_of(pid: int) -> Process:
    """Return the process with this pid; raise FileNotFoundError if there is none."""
    has_proc = (PROC / "self" / "stat").exists()
    return Process(
        host_name=socket.gethostname(),
        boot_id=(PROC / "sys/kernel/random/boot_id").read_text().strip() if has_proc else "",
        pid_namespace=str((PROC / "self/ns/pid").readlink()) if has_proc else "",
        pid=pid,
        started=_state_and_start(pid)[1] if has_proc else "",
    )


def is_dead(process: Process) -> bool:
    """Return whether the process has provably ended; False if that cannot be determined.

    Containers share the kernel's boot id but have their own pids, hence the namespace.
    """
    own = this_process()
    is_comparable = (process.boot_id, process.pid_namespace) == (own.boot_id, own.pid_namespace)
    if not own.boot_id or not is_comparable:
        return False
    try:
        # /proc may hide processes of other users (hidepid); os.kill works in any case.
        os.kill(process.pid, 0)
        state, started = _state_and_start(process.pid)
    except ProcessLookupError:
        return True
    except (PermissionError, FileNotFoundError):
        return False
    return state in "ZX" or started != process.started


def _state_and_start(pid: int) -> tuple[str, str]:
    """Return fields 3 and 22 of the stat file; the name in field 2 may contain anything."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return fields[0], fields[19]
