"""The whole cloud: its regions, the machines behind them, and the work that goes on by itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from sandbox.ec2.latency import Latency
from sandbox.ec2.region import Region
from sandbox.ec2.resources import Instance
from sandbox.ec2.tokens import TokenBook
from sandbox.machines import Machines

log = logging.getLogger(__name__)

ACCOUNT_ID = "123456789012"


class Cloud:
    """One account's EC2. Every API call and every change of state holds `lock`."""

    def __init__(
        self, machines: Machines, latency: Latency | None = None, account_id: str = ACCOUNT_ID
    ) -> None:
        self.machines = machines
        self.latency = latency or Latency()
        self.account_id = account_id
        self.lock = threading.RLock()
        self.tokens = TokenBook()
        self.on_change: list[Callable[[], None]] = []
        self._regions: dict[str, Region] = {}
        self._queues: dict[str, ThreadPoolExecutor] = {}
        self._is_open = True

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
        with self.lock:
            if not self._is_open:
                return
            if resource_id not in self._queues:
                self._queues[resource_id] = ThreadPoolExecutor(1, resource_id)
            self._queues[resource_id].submit(self._do, resource_id, work)

    def changed(self) -> None:
        """Tell those who keep the cloud's state that there is something new."""
        for listener in self.on_change:
            listener()

    def close(self) -> None:
        """Finish what has been begun, then destroy all machines. Nothing is accepted any more."""
        with self.lock:
            self._is_open = False
            queues = list(self._queues.values())
        for queue in queues:
            queue.shutdown(wait=True, cancel_futures=True)
        for region, instance in self.instances():
            if instance.is_live:
                instance.state = "terminated"
                self.machines.destroy(instance.id)
                region.release_volumes(instance.id)
        self.changed()

    def _do(self, resource_id: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            # The work itself records its failure where somebody can see it; this is a bug.
            log.exception("Background work on %s broke", resource_id)
        with self.lock:
            self.changed()
