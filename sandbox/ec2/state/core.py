"""What all regions of a cloud share: its machines, clock, lock, and work in the background."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sandbox.clock import Agenda, Clock
from sandbox.ec2.state.client_tokens import TokenBook
from sandbox.ec2.state.latency import Latency
from sandbox.ec2.state.workers import Workers, Workforce
from sandbox.faults.registry import FaultBook
from sandbox.hosts.machines import Machines

log = logging.getLogger(__name__)

ACCOUNT_ID = "123456789012"


@dataclass(eq=False)
class Core:
    """The shared part of one account's EC2. Every API call and every change of state holds `lock`.

    `workers` does what remains after a call has been answered: threads, or `ManualWorkers`.
    What depends on the time follows `clock` and happens in `catch_up`: every call begins with it.
    """

    machines: Machines
    latency: Latency = field(default_factory=Latency)
    account_id: str = ACCOUNT_ID
    workers: Workforce = field(default_factory=Workers, kw_only=True)
    clock: Clock = field(default_factory=Clock, kw_only=True)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.faults = FaultBook()
        self.tokens = TokenBook()
        self.on_change: list[Callable[[], None]] = []
        self._agenda = Agenda()

    def later(self, resource_id: str, work: Callable[[], object]) -> None:
        """Do the work in the background, after earlier work for the same resource."""

        def do_and_tell() -> None:
            try:
                work()
            finally:
                self.changed()

        self.workers.submit(resource_id, do_and_tell)

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
        """Tell the listeners that the cloud's state may have changed."""
        with self.lock:
            for listener in self.on_change:
                listener()
