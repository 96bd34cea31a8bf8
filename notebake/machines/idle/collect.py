"""The signals of one check: reads them from the machine, and counts since the check before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from notebake.machines.idle import processors, traffic
from notebake.machines.idle.kernels import read_kernels
from notebake.machines.idle.memory import Clocks, Memory, read_boot
from notebake.machines.idle.settings import Limits
from notebake.machines.idle.signals import Signals
from notebake.machines.idle.terminals import read_terminals

PACKAGE_JOBS = ("apt-daily.service", "apt-daily-upgrade.service", "dnf-makecache.service")
"""They load lists and packages twice a day: traffic that nobody asked for."""


def collect(memory: Memory, limits: Limits, clocks: Clocks) -> tuple[Signals, Memory]:
    """Return what is seen now, and the memory with the counters of now."""
    jupyter, kernels, complaints = read_kernels(limits)
    cpu_seconds = processors.read_processor_time()
    interface_bytes = traffic.read_interface_bytes()
    connections, wrong = traffic.read_connections()
    is_first = memory.taken is None or memory.interface_bytes is None
    window = 0.0 if memory.taken is None else clocks.elapsed - memory.taken
    tunnels = 0.0 if is_first else traffic.tunnel_difference(memory.connections, connections)
    outside = interface_bytes - (memory.interface_bytes or 0)
    signals = Signals(
        taken=clocks.now,
        window_seconds=round(window, 3),
        booted=clocks.as_date(read_boot()),
        jupyter=jupyter,
        kernels=kernels,
        terminals=read_terminals(),
        cpu_seconds=None if is_first else processors.difference(memory.cpu_seconds, cpu_seconds),
        network_bytes=None if is_first else max(0.0, round(outside - tunnels)),
        tunnel_bytes=round(tunnels),
        package_job=find_package_job(),
        used=clocks.use_as_date(memory.used),
        worked=None if memory.worked is None else clocks.as_date(memory.worked),
        complaints=(*complaints, *wrong),
    )
    kept = replace(
        memory,
        taken=clocks.elapsed,
        cpu_seconds=cpu_seconds,
        interface_bytes=interface_bytes,
        connections={key: list(carried) for key, carried in connections.items()},
    )
    return signals, kept


def find_package_job(cgroups: str = processors.CGROUPS) -> str:
    """Return the job of the distribution that loads packages now; "" if none does.

    The control group of a unit of this kind exists while it runs.
    """
    roots = [Path(cgroups, name) for name in ("", "unified", "systemd")]
    for job in PACKAGE_JOBS:
        if any((root / "system.slice" / job).is_dir() for root in roots):
            return job
    return ""
