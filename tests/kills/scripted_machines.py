"""The cloud's machines with scripted hosts in them: power, disks, images, the console."""

import copy
from typing import Any

from sandbox.hosts.machines import Exit
from tests.kills.scripted_disks import RootDisk, VolumeDisk
from tests.kills.scripted_host import LaunchData, ScriptedHost
from tests.kills.virtual_clock import VirtualClock
from tests.sandbox.fake_machines import FakeMachines, OnExit

NO_KEY = "ssh-ed25519 AAAA nobody"
"""For a machine that was launched without a key pair."""


class ScriptedMachines(FakeMachines):
    """Hosts that obey at once, and remember what was done on them."""

    def __init__(self, clock: VirtualClock, lease_hours: float) -> None:
        super().__init__()
        self.clock, self.lease_hours = clock, lease_hours
        self.cloud: Any = None
        self.hosts: dict[str, ScriptedHost] = {}
        self.layers: dict[str, RootDisk] = {"base": RootDisk()}
        self.disks: dict[str, VolumeDisk] = {}
        self.copies: dict[str, VolumeDisk] = {}

    def host_at(self, address: str) -> ScriptedHost | None:
        """Return the machine that has an address."""
        private = {public: self.addresses[name] for name, public in self.public_addresses.items()}
        wanted = private.get(address, address)
        return next((host for host in self.hosts.values() if host.address == wanted), None)

    def create_root(self, machine_id: str, image_id: str, subnet: str | None = None) -> None:
        super().create_root(machine_id, image_id, subnet)
        root = copy.deepcopy(self.layers[image_id])
        address = self.addresses[machine_id]
        self.hosts[machine_id] = ScriptedHost(machine_id, address, root, self.clock)

    def bake_image(self, machine_id: str, image_id: str) -> None:
        super().bake_image(machine_id, image_id)
        self.layers[image_id] = copy.deepcopy(self.hosts[machine_id].root)

    def boot(self, machine_id: str, on_exit: OnExit) -> None:
        super().boot(machine_id, on_exit)
        instance = next(
            instance for _, instance in self.cloud.instances() if instance.id == machine_id
        )
        text = LaunchData(instance.id, instance.public_key or NO_KEY, instance.user_data.decode())
        self.hosts[machine_id].power_on(text, self.lease_hours)

    def end_from_inside(self, machine_id: str, why: Exit) -> None:
        if machine_id in self.hosts:
            self.hosts[machine_id].power_off()
        super().end_from_inside(machine_id, why)

    def destroy(self, machine_id: str) -> None:
        super().destroy(machine_id)
        self.hosts.pop(machine_id, None)
        self.addresses.pop(machine_id, None)

    def console(self, machine_id: str) -> str:
        host = self.hosts[machine_id]
        key = f"{host.root.host_key} root@host" if host.answers else ""
        return f"-----BEGIN SSH HOST KEY KEYS-----\n{key}\n-----END SSH HOST KEY KEYS-----\n"

    def create_volume(self, volume_id: str, size_gib: int, snapshot_id: str | None = None) -> None:
        super().create_volume(volume_id, size_gib, snapshot_id)
        source = self.copies[snapshot_id] if snapshot_id else VolumeDisk()
        self.disks[volume_id] = copy.deepcopy(source)

    def attach_volume(self, machine_id: str, volume_id: str, device: str) -> None:
        super().attach_volume(machine_id, volume_id, device)
        self.hosts[machine_id].volumes[volume_id] = self.disks[volume_id]
        self.hosts[machine_id].devices[volume_id] = device

    def detach_volume(self, machine_id: str, volume_id: str) -> None:
        super().detach_volume(machine_id, volume_id)
        self.hosts[machine_id].volumes.pop(volume_id, None)
        self.hosts[machine_id].devices.pop(volume_id, None)

    def create_snapshot(self, volume_id: str, snapshot_id: str) -> None:
        super().create_snapshot(volume_id, snapshot_id)
        self.copies[snapshot_id] = copy.deepcopy(self.disks[volume_id])

    def copy_snapshot(self, source_id: str, snapshot_id: str) -> None:
        super().copy_snapshot(source_id, snapshot_id)
        self.copies[snapshot_id] = copy.deepcopy(self.copies[source_id])

    def copy_image(self, source_id: str, image_id: str) -> None:
        super().copy_image(source_id, image_id)
        self.layers[image_id] = copy.deepcopy(self.layers[source_id])

    def go_on(self) -> bool:
        """Let the hosts go on to the time that it is now; tell whether anything changed."""
        changed = any([host.go_on() for host in self.hosts.values()])
        for host in [host for host in self.hosts.values() if host.lease_is_over]:
            self.end_from_inside(host.id, Exit.POWERED_OFF)
            changed = True
        return changed
