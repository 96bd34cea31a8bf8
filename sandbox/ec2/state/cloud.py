"""The whole cloud: its regions, the machines behind them, and the log of their states."""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.ec2.model import Instance
from sandbox.ec2.state.core import Core
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.region_images import RegionImages
from sandbox.ec2.state.state_log import StateLog
from sandbox.programs import COMMAND

CLOSE_TIMEOUT_SECONDS = 20


@dataclass(eq=False)
class Cloud(Core):
    """The EC2 of all accounts, with a region for each name and account that a call has used."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._regions: dict[tuple[str, str], Region] = {}
        self._images: dict[str, RegionImages] = {}
        self.state_log = StateLog(self)
        self.on_change.append(lambda: self.state_log.note(self.regions()))

    def region(self, name: str, account_id: str = "") -> Region:
        """Return the region of an account, creating it when it is first used.

        Without an account, that of the cloud itself.
        """
        key = name, account_id or self.account_id
        with self.lock:
            if name not in self._images:
                self._images[name] = RegionImages(name)
            if key not in self._regions:
                self._regions[key] = Region(self, *key, self._images[name])
            return self._regions[key]

    def regions(self) -> list[Region]:
        """Return the regions that have been used, of all accounts."""
        with self.lock:
            return list(self._regions.values())

    def account_ids(self) -> list[str]:
        """Return the ids of the accounts that have used a region; the cloud's own comes first."""
        return list(dict.fromkeys([self.account_id, *(each.account_id for each in self.regions())]))

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

    def close(self) -> None:
        """Accept no more work, finish what has begun, then destroy all machines.

        Raises:
            ExceptionGroup: machines of which something is left; all others are gone.
        """
        self.workers.close(CLOSE_TIMEOUT_SECONDS)
        failures = []
        for region, instance in self.instances():
            if instance.is_live:
                instance.state = "terminated"
                try:
                    self._remove(region, instance)
                except Exception as error:  # noqa: BLE001 - raised below, with all others
                    error.add_note(f"of {instance.id}")
                    failures.append(error)
        self.changed()
        if failures:
            message = f"Not all is removed; clear what is left with: {COMMAND} down"
            raise ExceptionGroup(message, failures)

    def _remove(self, region: Region, instance: Instance) -> None:
        self.machines.destroy(instance.id)
        ending = region.volumes_ending_with(instance.id)
        region.delete_disks(ending)
        region.release_volumes(instance.id, ending)
