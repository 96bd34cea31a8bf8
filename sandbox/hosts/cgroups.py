"""A control group for each machine, with which all of its processes can be found and ended.

A host has a single hierarchy (cgroup2) or, on older systems, a v1 hierarchy `systemd` beside it.
systemd inside a machine uses both, so that a machine gets a group in each, and also in the v1
hierarchy `blkio` where that limits reads.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.home import Home

ROOT = Path("/sys/fs/cgroup")
FREEZE_TIMEOUT_SECONDS = 10
V1_LIMIT = "blkio.throttle.read_bps_device"
V2_LIMIT = "io.max"
ENTER_AND_EXEC = 'for group in $GROUPS_TO_ENTER; do echo $$ >"$group/cgroup.procs"; done; exec "$@"'


def hierarchies() -> list[Path]:
    """Return the mount points of the hierarchies that systemd uses."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    candidates = (ROOT / "unified", ROOT / "systemd")
    return [path for path in candidates if (path / "cgroup.procs").exists()]


def groups_of(home: Home, machine_id: str | None = None) -> list[Path]:
    """Return the paths of a machine's groups, or those of the groups above all machines."""
    blkio = [ROOT / "blkio"] if (ROOT / "blkio" / V1_LIMIT).exists() else []
    tops = [path / f"notebake-sandbox-{home.number}" for path in (*hierarchies(), *blkio)]
    return tops if machine_id is None else [top / machine_id for top in tops]


def make_groups(home: Home, machine_id: str) -> list[Path]:
    """Return the machine's groups, creating them if necessary."""
    groups = groups_of(home, machine_id)
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return groups


def limit_reads(groups: Sequence[Path], devices: Sequence[str], bytes_per_second: int) -> None:
    """Limit how fast processes in these groups read from these devices (MAJOR:MINOR)."""
    for group in groups:
        if "io" in _read_words(ROOT / "cgroup.controllers"):
            for above in (ROOT, group.parent):
                (above / "cgroup.subtree_control").write_text("+io")
        for name, line in ((V1_LIMIT, "{} {}"), (V2_LIMIT, "{} rbps={}")):
            if (group / name).exists():
                for device in devices:
                    (group / name).write_text(line.format(device, bytes_per_second))
                return
    raise SandboxError(f"No control group below {ROOT} can limit reads from a disk")


def start_in_groups(
    groups: Sequence[Path],
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    output: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that enters its groups before it can fork."""
    with (output or Path(os.devnull)).open("ab") as stream:
        return subprocess.Popen(
            ["/bin/sh", "-ec", ENTER_AND_EXEC, "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**environment, "GROUPS_TO_ENTER": " ".join(map(str, groups))},
        )


@contextmanager
def frozen(groups: Sequence[Path]) -> Iterator[None]:
    """Freeze every process in these groups while the block runs. Needs cgroup2."""
    switches = [group / "cgroup.freeze" for group in groups if (group / "cgroup.freeze").exists()]
    if not switches:
        raise SandboxError(f"There is no cgroup2 below {ROOT}: a running machine cannot be frozen")
    deadline = time.monotonic() + FREEZE_TIMEOUT_SECONDS
    try:
        for switch in switches:
            switch.write_text("1")
            while "frozen 1" not in switch.with_name("cgroup.events").read_text():
                if time.monotonic() > deadline:
                    raise SandboxError(f"{switch.parent} did not freeze")
                time.sleep(0.01)
        yield
    finally:
        for switch in switches:
            with suppress(OSError):  # killed in the meantime
                switch.write_text("0")


def process_ids(groups: list[Path]) -> set[int]:
    """Return every process in these groups and below."""
    found: set[int] = set()
    for group in groups:
        # Groups can vanish during the search: unlike glob, walk ignores that.
        for folder, _, _ in os.walk(group):
            with suppress(OSError):
                members = Path(folder, "cgroup.procs").read_text()
                found.update(int(word) for word in members.split())
    return found - {0}


def end_groups(groups: list[Path], timeout_seconds: float = 10) -> None:
    """Kill all processes in these groups and remove the groups. May be repeated."""
    deadline = time.monotonic() + timeout_seconds
    while left := process_ids(groups):
        if time.monotonic() > deadline:
            raise SandboxError(f"Processes {sorted(left)} outlived SIGKILL")
        for process_id in left:
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        time.sleep(0.02)
    while any(not _remove_tree(group) for group in groups):
        if time.monotonic() > deadline:
            raise SandboxError(f"Control groups {[str(group) for group in groups]} stay busy")
        time.sleep(0.02)


def _read_words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def _remove_tree(group: Path) -> bool:
    """Remove the group and those below; return whether that succeeded. A dying process keeps it."""
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True
