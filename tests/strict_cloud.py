"""The sandbox's strict AWS API on a loopback port, with hosts that exist in memory only.

with strict_cloud() as endpoint_url:
    ec2 = boto3.client("ec2", endpoint_url=endpoint_url, ...)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.core.base_backend import BackendDict

from sandbox.api.application import Application, ticking
from sandbox.api.persistence import StateFile
from sandbox.api.server import serving
from sandbox.clock import Clock
from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.state.latency import Latency
from sandbox.faults.fault import read_fault
from sandbox.messages.call import CallLog, CallRecord
from tests.sandbox.fake_machines import FakeMachines

QUICK = Latency().scaled(0.1)


@dataclass(frozen=True)
class StrictCloud:
    """A running cloud: where it answers, and what a test may look into."""

    endpoint_url: str
    cloud: Cloud
    machines: FakeMachines
    application: Application

    def calls(self, action: str | None = None) -> list[CallRecord]:
        """Return the calls so far, or those of one action."""
        records = self.application.calls.records()
        return [record for record in records if action in (None, record.action)]

    def fail(self, effect: str, **more: Any) -> str:
        """Let something go wrong, as sandbox/faults/README.md says; return the fault's name."""
        name = more.pop("name", f"fault-{len(self.cloud.faults.describe())}")
        self.application.injector.add(read_fault({"name": name, "effect": effect, **more}))
        return str(name)

    def fired(self, name: str) -> int:
        """Return how often a fault has fired."""
        return self.cloud.faults.fired(name)

    def advance(self, seconds: float) -> None:
        """Put the cloud's clock forward, and let what is due happen."""
        self.cloud.clock.advance(seconds)
        self.application.catch_up()


@contextmanager
def strict_cloud_opened(
    latency: Latency = QUICK,
    home: Path | None = None,
    machines: FakeMachines | None = None,
    clock: Clock | None = None,
) -> Iterator[StrictCloud]:
    """Run an empty cloud, or the one remembered in `home`, while the block runs."""
    BackendDict.reset()
    machines = machines or FakeMachines()
    cloud = Cloud(machines, latency, clock=clock or Clock())  # type: ignore[arg-type]
    if home:
        StateFile(cloud, home / "api.json").restore()
    application = Application(cloud, CallLog(home / "calls.jsonl" if home else None))
    try:
        with serving(application, "127.0.0.1", 0) as port, ticking(application):
            yield StrictCloud(f"http://127.0.0.1:{port}", cloud, machines, application)
    finally:
        cloud.close()
        BackendDict.reset()


@contextmanager
def strict_cloud() -> Iterator[str]:
    """Run an empty cloud while the block runs; yields its endpoint URL."""
    with strict_cloud_opened() as opened:
        yield opened.endpoint_url
