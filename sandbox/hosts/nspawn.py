"""The processes of a running machine: systemd-nspawn and what runs in it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import tail
from sandbox.home import Home
from sandbox.hosts import cgroups
from sandbox.programs import run_program

NSPAWN = Path("/run/systemd/nspawn")
REBOOT_EXIT_CODE = 133
BOOT_TIMEOUT_SECONDS = 15
# systemd(1), "Signals". macOS, which lacks these signals, must be able to import this module.
FIRST_REAL_TIME_SIGNAL = getattr(signal, "SIGRTMIN", 34)
START_POWEROFF = FIRST_REAL_TIME_SIGNAL + 4
START_REBOOT = FIRST_REAL_TIME_SIGNAL + 5
PANIC = (
    "/bin/sh",
    "-c",
    "echo 'Kernel panic - not syncing: VFS: Unable to mount root fs'; exec sleep infinity",
)
"""The first process instead of systemd: the machine is on, and does nothing."""
# A machine on EC2 could not do this to its neighbours either.
DROPPED_CAPABILITIES = "CAP_SYS_MODULE,CAP_SYS_TIME"


class Exit(Enum):
    """Why the first process of a machine ended."""

    POWERED_OFF = "powered off"
    REBOOTED = "rebooted"
    KILLED = "killed"


@dataclass(frozen=True)
class Guest:
    """A running machine."""

    process: subprocess.Popen[bytes]
    groups: tuple[Path, ...]

    @property
    def init_id(self) -> int | None:
        """The host's process id of the machine's PID 1; None before it runs and after its end."""
        nspawn = self.process.pid
        with suppress(OSError, ValueError):
            for child in Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split():
                if Path(f"/proc/{child}/comm").read_text().strip() in ("systemd", "sleep"):
                    return int(child)
        return None

    def signal_init(self, number: int) -> None:
        """Send a signal to the machine's PID 1, if it runs."""
        if init_id := self.init_id:
            with suppress(ProcessLookupError):
                os.kill(init_id, number)

    def run_inside(self, *command: str) -> None:
        """Run a program of the machine as root, in the machine's namespaces."""
        namespaces = ("--mount", "--uts", "--ipc", "--net", "--pid")
        target = f"--target={self.init_id}"
        run_program("nsenter", target, *namespaces, *command, timeout_seconds=30)

    def kill(self) -> None:
        """End all processes of the machine. May be repeated."""
        cgroups.end_groups(list(self.groups))

    def wait_for_exit(self) -> Exit:
        """Block until nspawn has ended, and return why; no process of the machine is left then."""
        code = self.process.wait()
        self.kill()
        if code == REBOOT_EXIT_CODE:
            return Exit.REBOOTED
        return Exit.KILLED if code else Exit.POWERED_OFF


def start_guest(
    name: str,
    groups: Sequence[Path],
    *,
    hostname: str,
    root: Path,
    namespace: Path,
    shared: Path,
    console: Path,
    variables: Sequence[str] = (),
    is_broken: bool = False,
) -> Guest:
    """Return once PID 1 runs, with these variables (NAME=value).

    The machine sees the directory `shared` at /run/notebake-sandbox.
    """
    command = _nspawn(name, hostname, root, namespace, shared)
    command += [f"--setenv={variable}" for variable in variables]
    command += PANIC if is_broken else ("--boot",)
    # /tmp is on the root disk, as on EC2; nspawn would give it a tenth of the memory.
    environment = {"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_TMPFS_TMP": "0"}
    process = cgroups.start_in_groups(groups, command, environment=environment, output=console)
    guest = Guest(process, tuple(groups))
    deadline = time.monotonic() + BOOT_TIMEOUT_SECONDS
    while not guest.init_id:
        if process.poll() is not None or time.monotonic() > deadline:
            guest.kill()
            process.wait()
            raise SandboxError(f"{hostname} did not boot: {tail(console, 2000)}")
        time.sleep(0.01)
    return guest


def remove_traces(home: Home, machine_id: str) -> None:
    """Remove what nspawn keeps in /run for a machine, and leaves behind when killed."""
    for kind in ("propagate", "unix-export"):
        folder = NSPAWN / kind / f"{home.name}-{machine_id}"
        while folder.is_mount():
            run_program("umount", folder)
        shutil.rmtree(folder, ignore_errors=True)


def _nspawn(name: str, hostname: str, root: Path, namespace: Path, shared: Path) -> list[str]:
    return [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--settings=no",
        f"--machine={name}",
        f"--hostname={hostname}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=read-only",
        f"--network-namespace-path={namespace}",
        "--capability=all",
        f"--drop-capability={DROPPED_CAPABILITIES}",
        f"--bind-ro={shared}:/run/notebake-sandbox",
        f"--directory={root}",
    ]
