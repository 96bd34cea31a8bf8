"""What is kept from check to check, in /run: a boot starts anew."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from notebake.machines.idle.signals import Use

FOLDER = "/run/notebake"
MEMORY = "idle-memory.json"
OPEN_TO_ALL = 0o755
REPORT = "idle.json"
"""For everybody to read: what `open` and `servers` show."""


@dataclass
class Memory:
    """The last check's counters and findings.

    Its times are seconds since the kernel booted: setting the clock changes none of them.
    """

    taken: float | None = None
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    interface_bytes: int | None = None
    connections: dict[str, list[int]] = field(default_factory=dict)
    used: tuple[float, str] | None = None
    worked: float | None = None
    tags: dict[str, str] | None = None
    """The tags as last read; None: never yet."""
    daily_end: tuple[str, float] | None = None
    """The daily end, and since when it is known."""
    warned: list[float] = field(default_factory=list)
    """Of which intervals before the stop the terminals were warned."""
    said: str = ""
    """What the journal has last been told."""


@dataclass(frozen=True)
class Clocks:
    """The time in seconds since the epoch, and since the kernel booted."""

    now: float
    elapsed: float

    def as_date(self, elapsed: float) -> float:
        """Return a time since the kernel's boot as seconds since the epoch."""
        return self.now - (self.elapsed - elapsed)

    def as_elapsed(self, date: float) -> float:
        """Return seconds since the epoch as time since the kernel's boot."""
        return self.elapsed - (self.now - date)

    def use_as_date(self, kept: tuple[float, str] | None) -> Use | None:
        """Return a use that was kept."""
        return Use(self.as_date(kept[0]), kept[1]) if kept else None


def read_clocks() -> Clocks:
    """Return both times now. The second goes on while the machine sleeps."""
    return Clocks(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))


def read_boot(proc: str = "/proc") -> float:
    """Return when this machine started, since the kernel booted: process 1, also in a container."""
    fields = Path(proc, "1/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def load_memory(folder: str = FOLDER) -> Memory:
    """Return what the last check of this boot kept; an unreadable one counts as none."""
    try:
        return Memory(**json.loads(Path(folder, MEMORY).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Memory()


def save_memory(memory: Memory, folder: str = FOLDER) -> None:
    """Keep it for the next check."""
    _write(Path(folder, MEMORY), asdict(memory), 0o600)


def write_report(report: dict[str, Any], folder: str = FOLDER) -> None:
    """Write what everybody may read, whatever root's umask is."""
    _write(Path(folder, REPORT), report, 0o644)


def _write(path: Path, document: dict[str, Any], mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.stat().st_mode & OPEN_TO_ALL != OPEN_TO_ALL:
        # Whoever made it had the umask of a hardened base.
        path.parent.chmod(OPEN_TO_ALL)
    new = path.with_name(f"{path.name}.new")
    new.write_text(f"{json.dumps(document, ensure_ascii=False)}\n", encoding="utf-8")
    new.chmod(mode)
    new.replace(path)
