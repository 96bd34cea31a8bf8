"""Processor time of what people run: by control group, or else by process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

CGROUPS = "/sys/fs/cgroup"
PROC = "/proc"
SHIPPED = ("/usr/lib/systemd/system", "/lib/systemd/system")
"""Units of the distribution: what they do is housekeeping, but for those that run others' work."""
RUNS_WORK = ("ssh.service", "sshd.service", "cron.service", "crond.service", "atd.service",
             "docker.service", "containerd.service")  # fmt: skip
"""Logins have a scope in user.slice only where pam_systemd is; cron's jobs stay in its service."""
JUPYTER = "notebake-jupyter.service"


def read_processor_time(cgroups: str = CGROUPS, proc: str = PROC) -> dict[str, float]:
    """Return the processor time so far, in seconds, of each unit that runs people's work.

    cgroup2 counts it for each group without a controller, also beside version 1 (hybrid). On a
    host with version 1 alone, the processes are added up.
    """
    for root in (Path(cgroups), Path(cgroups, "unified")):
        if (root / "system.slice/cgroup.procs").exists() and (root / "cgroup.controllers").exists():
            return {unit: _usage(group) for unit, group in _groups(root) if is_work(unit)}
    return _by_process(Path(proc))


def _groups(root: Path) -> Iterator[tuple[str, Path]]:
    """Give the groups at the top and the units of the system, by name."""
    for top in _children(root):
        if top.name == "system.slice":
            yield from ((unit.name, unit) for unit in _children(top))
        elif top.name != "init.scope":
            yield top.name, top


def _children(group: Path) -> list[Path]:
    return [child for child in sorted(group.iterdir()) if (child / "cgroup.procs").exists()]


def _usage(group: Path) -> float:
    try:
        words = (group / "cpu.stat").read_text().split()
    except OSError:  # it has ended
        return 0.0
    return int(words[words.index("usage_usec") + 1]) / 1e6


def is_work(unit: str, shipped: tuple[str, ...] = SHIPPED) -> bool:
    """Return whether a unit runs people's work: logins, JupyterLab, containers, their services."""
    if unit.startswith("notebake-"):
        return unit == JUPYTER
    name, at, _ = unit.partition("@")
    if unit in RUNS_WORK or (at and name in ("ssh", "sshd")):
        return True
    file = f"{name}@.service" if at and unit.endswith(".service") else unit
    return not any(Path(folder, file).exists() for folder in shipped)


def _by_process(proc: Path) -> dict[str, float]:
    """Add up all processes by unit, with the children for which each has waited."""
    ticks = os.sysconf("SC_CLK_TCK")
    found: dict[str, float] = {}
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            unit = unit_of((entry / "cgroup").read_text())
            numbers = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if unit and is_work(unit):
            # utime, stime, cutime and cstime, fields 14 to 17 of proc(5); the first here is 3.
            found[unit] = found.get(unit, 0.0) + sum(map(int, numbers[11:15])) / ticks
    return found


def unit_of(text: str) -> str:
    """Return the unit of a process from its /proc/ID/cgroup; "" if systemd gave it none."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if controllers == "name=systemd" or (number == "0" and not controllers):
            parts = path.strip("/").split("/")
            if parts[0] == "system.slice":
                return parts[1] if len(parts) > 1 else ""
            if parts[0] not in ("", "init.scope"):
                return parts[0]
    return ""


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return what each unit has used between two readings; units that used nothing are left out."""
    used = {unit: seconds - before.get(unit, 0.0) for unit, seconds in after.items()}
    return {unit: round(seconds, 3) for unit, seconds in used.items() if seconds > 0}
