"""The whole cloud: its regions, the machines behind them, and the work that goes on by itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

from sandbox.clock import Agenda, Clock
from sandbox.ec2.model import Instance
from sandbox.ec2.state.client_tokens import TokenBook
from sandbox.ec2.state.latency import Latency
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.state_log import Changes
from sandbox.ec2.state.workers import Workers, Workforce
from sandbox.faults.registry import FaultBook
from sandbox.hosts.machines import Machines

log = logging.getLogger(__name__)

ACCOUNT_ID = "123456789012"
CLOSE_TIMEOUT_SECONDS = 20


class Cloud:
    """One account's EC2. Every API call and every change of state holds `lock`.

    `workers` does what goes on after a call has been answered: threads, or `ManualWorkers`.
    What depends on the time goes by `clock`, and happens in `catch_up`: every call begins with it.
    """

    def __init__(
        self,
        machines: Machines,
        latency: Latency | None = None,
        account_id: str = ACCOUNT_ID,
        *,
        workers: Workforce | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.machines = machines
        self.latency = latency or Latency()
        self.account_id = account_id
        self.lock = threading.RLock()
        self.clock = clock or Clock()
        self.faults = FaultBook()
        self.tokens = TokenBook()
        self.changes = Changes(self)
        self.on_change: list[Callable[[], None]] = []
        self._agenda = Agenda()
        self._regions: dict[str, Region] = {}
        self._workers = workers or Workers()

    def region(self, name: str) -> Region:
        """Return the region; it exists from the first time that somebody asks."""
        with self.lock:
            if name not in self._regions:
                self._regions[name] = Region(self, name)
            return self._regions[name]

    def regions(self) -> list[Region]:
        """Return the regions that anybody has asked for."""
        with self.lock:
            return list(self._regions.values())

    def instances(self) -> Iterator[tuple[Region, Instance]]:
        """Yield every instance with its region."""
        for region in self.regions():
            for instance in list(region.instances.values()):
                yield region, instance

    def instance_at(self, address: str) -> tuple[Region, Instance] | None:
        """Return the live instance that has this address."""
        with self.lock:
            for region, instance in self.instances():
                if instance.private_address == address and instance.is_live:
                    return region, instance
        return None

    def later(self, resource_id: str, work: Callable[[], object]) -> None:
        """Do the work in the background, after all that was put off for the same resource."""

        def do_and_tell() -> None:
            try:
                work()
            finally:
                self.changed()

        self._workers.submit(resource_id, do_and_tell)

    def after(self, seconds: float, work: Callable[[], object]) -> None:
        """Do the work, which must be quick, once so much time has passed on the cloud's clock."""
        with self.lock:
            self._agenda.add(self.clock.now() + timedelta(seconds=seconds), work)

    def catch_up(self) -> None:
        """Do what has become due by now."""
        with self.lock:
            while work := self._agenda.take_due(self.clock.now()):
                try:
                    work()
                except Exception:
                    log.exception("What was due broke")
                self.changed()

    def changed(self) -> None:
        """Tell those who keep the cloud's state that there may be something new."""
        with self.lock:
            self.changes.note()
            for listener in self.on_change:
                listener()

    def close(self) -> None:
        """Finish what has been begun, then destroy all machines. Nothing is accepted any more."""
        self._workers.close(CLOSE_TIMEOUT_SECONDS)
        for region, instance in self.instances():
            if instance.is_live:
                instance.state = "terminated"
                self.machines.destroy(instance.id)
                ending = region.volumes_ending_with(instance.id)
                region.delete_disks(ending)
                region.release_volumes(instance.id, ending)
        self.changed()
