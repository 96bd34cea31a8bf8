"""The eight breaks of a line: each happens to a machine or to what holds the tunnel, and passes.

Each function returns when the break is over, and fails if it did not happen.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.servers.world import Machine


class Holder(Protocol):
    """What holds a tunnel: a process that can be frozen, killed and started again."""

    def send_signal(self, number: int) -> None: ...
    def restart(self) -> None: ...
    def learn_address(self) -> None: ...


@dataclass(frozen=True)
class Scene:
    """A machine, what holds the tunnel to it, and how long a long break takes, in seconds."""

    machine: Machine
    holder: Holder
    dropped_seconds: float = 120
    frozen_seconds: float = 600


def fin(scene: Scene) -> None:
    assert scene.machine.end_sessions() > 0


def rst(scene: Scene) -> None:
    assert scene.machine.reset_connections() > 0


def dropped(scene: Scene) -> None:
    scene.machine.drop_packets()
    time.sleep(scene.dropped_seconds)
    assert scene.machine.pass_packets() > 0


def frozen(scene: Scene) -> None:
    """The laptop's side stands still; sshd gives up a client that does not answer for 45 s."""
    scene.holder.send_signal(signal.SIGSTOP)
    time.sleep(scene.frozen_seconds)
    scene.machine.end_sessions()  # where the time is shortened
    scene.holder.send_signal(signal.SIGCONT)


def address(scene: Scene) -> None:
    before = scene.machine.address
    scene.machine.change_address()
    scene.holder.learn_address()
    assert scene.machine.address != before


def sshd(scene: Scene) -> None:
    scene.machine.stop("sshd")
    scene.machine.start_sshd()


def jupyter(scene: Scene) -> None:
    scene.machine.stop("jupyter")
    scene.machine.start_jupyter()


def killed(scene: Scene) -> None:
    scene.holder.send_signal(signal.SIGKILL)
    scene.holder.restart()


BREAKS: dict[str, Callable[[Scene], None]] = {
    "FIN": fin,
    "RST": rst,
    "packets dropped": dropped,
    "frozen": frozen,
    "address changed": address,
    "sshd restarted": sshd,
    "JupyterLab restarted": jupyter,
    "killed and typed again": killed,
}
