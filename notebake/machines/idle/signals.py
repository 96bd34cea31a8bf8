"""What one check saw on the machine: plain data, which a test can keep and judge again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ANSWERS = "answers"
SILENT = "silent"
"""It runs, and does not answer."""
STOPPED = "stopped"
"""It does not run: it has no kernels either."""


@dataclass(frozen=True)
class Use:
    """A use of the machine: what it was, and when it was seen last (seconds since the epoch)."""

    at: float
    what: str


@dataclass(frozen=True)
class Kernel:
    """A kernel, as JupyterLab describes it."""

    name: str
    """The path of its notebook, or what else names it."""
    state: str
    last_activity: float
    saved: float | None = None
    """When its notebook was last saved."""


@dataclass(frozen=True)
class Terminal:
    """A pseudo-terminal: an ssh login, a terminal in JupyterLab, a pane of tmux."""

    name: str
    user: str
    last_input: float
    """When something last read what was typed into it; opening it counts."""


@dataclass(frozen=True)
class Signals:
    """What one check saw; times in seconds since the epoch."""

    taken: float
    window_seconds: float
    """How long ago the check before was; 0 at the first."""
    booted: float
    jupyter: str
    kernels: tuple[Kernel, ...] = ()
    terminals: tuple[Terminal, ...] = ()
    cpu_seconds: Mapping[str, float] | None = None
    """Processor time since the check before, by unit; None at the first check."""
    network_bytes: float | None = None
    """What went through the network since the check before, without what tunnels carried."""
    tunnel_bytes: float = 0
    package_job: str = ""
    """A job of the distribution that loads packages now."""
    used: Use | None = None
    """The last use that earlier checks saw."""
    worked: float | None = None
    """When an earlier check last saw computing or traffic."""
    complaints: tuple[str, ...] = ()


def from_json(document: Mapping[str, Any]) -> Signals:
    """Return signals from their JSON (`dataclasses.asdict`)."""
    whole = dict(document)
    whole["kernels"] = tuple(Kernel(**kernel) for kernel in whole.get("kernels", ()))
    whole["terminals"] = tuple(Terminal(**terminal) for terminal in whole.get("terminals", ()))
    whole["complaints"] = tuple(whole.get("complaints", ()))
    if whole.get("used"):
        whole["used"] = Use(**whole["used"])
    return Signals(**whole)
