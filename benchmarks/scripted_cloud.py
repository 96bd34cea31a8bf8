"""A strict cloud with scripted hosts, as a program of its own: `benchmarks.scripted_cloud`.

So its memory and its work are not those of the builds. The hosts obey in memory, behind real ssh
servers on loopback addresses; what takes long on a real host takes a part of that here.
"""

import argparse
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.long_notebook import executed_with
from benchmarks.scripted_sshd import SshDoor
from notebake.recipe import Recipe
from notebake.recipe.file import load_recipe
from sandbox.ec2.state.latency import LATENCIES, latency_named
from sandbox.hosts.machines import Exit
from tests.kills import scripted_work, stand_in_jupyter
from tests.kills.scripted_host import BOOT_SECONDS, ScriptedHost
from tests.kills.scripted_machines import ScriptedMachines
from tests.kills.virtual_clock import VirtualClock
from tests.sandbox.fake_machines import OnExit
from tests.strict_cloud import strict_cloud_opened

PROJECT = Path(__file__).parent.parent
Call = dict[str, Any]


class HostClock(VirtualClock):
    """Real time as one host has it: so many times quicker, and nobody is ahead of it."""

    def __init__(self, times: float) -> None:
        self.times, self.began = times, time.monotonic()
        self.host: ScriptedHost | None = None
        self._lock = threading.Lock()

    def now(self) -> float:
        """The computer's own time: a build looks whether its hosts' clocks are right."""
        return time.time()

    @property
    def seconds(self) -> float:  # type: ignore[override]
        """The seconds since the beginning."""
        return (time.monotonic() - self.began) * self.times

    def advance(self, seconds: float) -> None:
        """Wait so long, and let the host finish what is due by then."""
        time.sleep(max(0.0, seconds) / self.times)
        with self._lock:
            if self.host:
                self.host.go_on()


class MachinesWithSsh(ScriptedMachines):
    """Scripted hosts that are reached over real ssh."""

    def __init__(self, recipe: Recipe, times: float, jupyter_port: int) -> None:
        super().__init__(HostClock(times), recipe.lease_hours)
        self.recipe, self.times, self.jupyter_port = recipe, times, jupyter_port
        self.ssh_port = free_port()
        self.doors: dict[str, SshDoor] = {}

    def create_root(self, machine_id: str, image_id: str, subnet: str | None = None) -> None:
        """Give each host a clock of its own, so that hosts do not wait for each other."""
        super().create_root(machine_id, image_id, subnet)
        host = self.hosts[machine_id]
        host.clock = HostClock(self.times)
        host.clock.host = host

    def boot(self, machine_id: str, on_exit: OnExit) -> None:
        """Let callers in once sshd runs, at the address that the machine has from outside."""
        super().boot(machine_id, on_exit)
        host = self.hosts[machine_id]
        address = self.public_addresses.get(machine_id, host.address)
        time.sleep(BOOT_SECONDS / self.times)
        self.doors[machine_id] = SshDoor(
            host, self.recipe, (address, self.ssh_port), self.jupyter_port
        )

    def end_from_inside(self, machine_id: str, why: Exit) -> None:
        """Cut every line."""
        if door := self.doors.pop(machine_id, None):
            door.close()
        super().end_from_inside(machine_id, why)


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class ScriptedCloud:
    """Where a cloud answers, at which port its hosts do, and which process both are."""

    url: str
    ssh_port: int
    process_id: int

    def cpu_seconds(self) -> float:
        """Return how long its process has worked so far."""
        fields = Path(f"/proc/{self.process_id}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def changes(self) -> list[Call]:
        """Return each change of a state: time, resource, state."""
        return list(self._ask("changes"))

    def _ask(self, name: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/notebake-sandbox/{name}", timeout=60) as answer:  # noqa: S310
            return json.load(answer)


@contextmanager
def cloud_started(recipe: Path, *options: str) -> Iterator[ScriptedCloud]:
    """Start a cloud whose hosts understand this recipe, and end it with the block."""
    command = [sys.executable, "-m", "benchmarks.scripted_cloud", str(recipe), *options]
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        document = json.loads(process.stdout.readline()) if process.stdout else {}
        yield ScriptedCloud(document["url"], document["ssh_port"], process.pid)


def main() -> int:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--latency", choices=LATENCIES, default="quick")
    parser.add_argument("--times", type=float, default=10, help="how much quicker hosts work")
    parser.add_argument("--output-mb", type=float, default=0, help="of the notebook")
    given = parser.parse_args()
    if given.output_mb:
        vars(scripted_work)["EXECUTED"] = executed_with(given.output_mb, "text")
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    recipe = load_recipe(given.recipe)
    with stand_in_jupyter.serving() as jupyter_port:
        machines = MachinesWithSsh(recipe, given.times, jupyter_port)
        with strict_cloud_opened(latency_named(given.latency), machines=machines) as opened:
            machines.cloud = opened.cloud
            addresses = {"url": opened.endpoint_url, "ssh_port": machines.ssh_port}
            sys.stdout.write(json.dumps(addresses) + "\n")
            sys.stdout.flush()
            sys.stdin.read()
    # Threads of paramiko's wait for callers that will not come.
    os._exit(0)


if __name__ == "__main__":
    raise SystemExit(main())
