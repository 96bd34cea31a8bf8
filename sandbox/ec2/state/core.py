"""What all regions of a cloud share: machines, clock, lock, and work in the background."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sandbox.clock import Agenda, Clock
from sandbox.ec2.state.latency import Latency
from sandbox.ec2.state.public_addresses import PublicAddresses
from sandbox.ec2.state.workers import Workers
from sandbox.faults.registry import FaultRegistry
from sandbox.hosts.machines import Machines

log = logging.getLogger(__name__)

ACCOUNT_ID = "123456789012"


@dataclass(eq=False)
class Core:
    """The shared part of EC2. Every API call and every change of state holds `lock`.

    `workers` does the work that follows a reply, in threads.
    Work that is due at a time of `clock` is done in `catch_up`, with which every call begins.
    """

    machines: Machines
    latency: Latency = field(default_factory=Latency)
    account_id: str = ACCOUNT_ID
    """The account of all calls whose access key names no other."""
    workers: Workers = field(default_factory=Workers, kw_only=True)
    clock: Clock = field(default_factory=Clock, kw_only=True)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.faults = FaultRegistry()
        self.public_addresses = PublicAddresses(self.machines.public_subnet)
        self.on_change: list[Callable[[], None]] = []
        self._agenda = Agenda()

    def later(self, resource_id: str, work: Callable[[], object]) -> None:
        """Do the work in the background, after earlier work on the same resource."""

        def do_and_notify() -> None:
            try:
                work()
            finally:
                self.changed()

        self.workers.submit(resource_id, do_and_notify)

    def after(self, seconds: float, work: Callable[[], object]) -> None:
        """Do the work, which must be quick, when so many seconds have passed on the clock."""
        with self.lock:
            self._agenda.add(self.clock.now() + timedelta(seconds=seconds), work)

    def catch_up(self) -> None:
        """Do all work that is due by now."""
        with self.lock:
            while work := self._agenda.take_due(self.clock.now()):
                try:
                    work()
                except Exception:
                    log.exception("Work that was due failed")
                self.changed()

    def changed(self) -> None:
        """Notify the listeners that the state of the cloud may have changed."""
        with self.lock:
            for listener in self.on_change:
                listener()
