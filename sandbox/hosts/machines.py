"""The machines, volumes and images of a sandbox: the host side of the EC2 API. Thread-safe.

Needs   root, the network of the home (`network.up`), the base system
Gives   hosts that boot, each with an address, disks, a firewall and a console
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from sandbox.errors import SandboxError
from sandbox.home import Home
from sandbox.hosts import addresses, disks, firewall, layers, network, packet_loss
from sandbox.hosts.firewall import Rule
from sandbox.hosts.layer_stack import find_stack
from sandbox.hosts.machine import Machine
from sandbox.hosts.nspawn import Exit

__all__ = ["Exit", "Machines", "Rule"]


class Machines:
    """The machines of a home. They end with this process; images and snapshots stay."""

    def __init__(self, home: Home) -> None:
        self.home = home
        layers.record_base(home)
        self._machines: dict[str, Machine] = {}
        self._lock = threading.RLock()

    @property
    def subnet(self) -> str:
        return self.home.subnet

    @property
    def public_subnet(self) -> str:
        return self.home.public_subnet

    def create_root(self, machine_id: str, image_id: str, subnet: str | None = None) -> None:
        """Create a machine with a root from the image, and an address in the subnet."""
        with self._lock:
            address = next(self.free_addresses(subnet or self.subnet), None)
            if not address:
                raise SandboxError(f"{subnet or self.subnet} has no free address")
            layers.make_root(self.home, machine_id, image_id)
            self._machines[machine_id] = Machine(self.home, machine_id, address)

    def upgrade_at_first_boot(self, machine_id: str, seconds: float) -> None:
        """Let the first boot hold apt's locks for so long, or longer if the twist requires it."""
        machine = self._find(machine_id)
        machine.upgrade_seconds = max(seconds, machine.conditions.upgrade_seconds)

    def bake_image(self, machine_id: str, image_id: str) -> None:
        """Make an image of a machine's root: at once if it is off, by copying if it is frozen."""
        self._find(machine_id).bake(image_id)

    def copy_image(self, source_id: str, image_id: str) -> None:
        """Make an image with copies of another one's layers."""
        layers.copy_image(self.home, source_id, image_id)

    def frozen(self, machine_id: str) -> AbstractContextManager[None]:
        """Freeze the machine while the block runs: nothing writes to its disks."""
        return self._find(machine_id).frozen()

    def delete_image(self, image_id: str) -> None:
        """Remove the image, and layers that nothing uses any more. May be repeated."""
        layers.delete_image(self.home, image_id)

    def images(self) -> list[str]:
        """Return the ids of the images; "base" is the base system."""
        return layers.images(self.home)

    def free_addresses(self, subnet: str) -> Iterator[str]:
        """Return the addresses of the subnet that no machine has."""
        with self._lock:
            taken = {machine.address for machine in self._machines.values()}
        return (address for address in addresses.usable(subnet) if address not in taken)

    def reserve_address(self, machine_id: str) -> str:
        """Return the machine's address, which it keeps until it is destroyed."""
        return self._find(machine_id).address

    def boot(self, machine_id: str, on_exit: Callable[[str, Exit], None]) -> None:
        """Return when PID 1 runs; `on_exit` is called from another thread when it has ended.

        A reboot ends PID 1, too: boot the machine again.
        """
        self._find(machine_id).boot(on_exit)

    def shut_down(self, machine_id: str, timeout_seconds: float = 30) -> None:
        """Power off cleanly and wait; kill the machine after the timeout (Exit.KILLED)."""
        self._find(machine_id).shut_down(timeout_seconds)

    def reboot(self, machine_id: str) -> None:
        """Begin a reboot of the machine, without waiting."""
        self._find(machine_id).reboot()

    def destroy(self, machine_id: str) -> None:
        """Kill the machine and remove all of it, without calling `on_exit`. May be repeated.

        Raises:
            SandboxError: something of it could not be removed; it keeps its address.
        """
        with self._lock:
            machine = self._machines.get(machine_id)
        if not machine:
            return
        machine.destroy()
        with self._lock:
            self._machines.pop(machine_id, None)

    def console(self, machine_id: str) -> str:
        """Return the last 64 KiB of the console output of all boots."""
        return self._find(machine_id).console()

    def set_rules(self, machine_id: str, rules: Sequence[Rule]) -> None:
        """Admit only what the rules allow. Before the first call, nothing is admitted."""
        firewall.set_rules(self.home, self._find(machine_id).address, rules)

    def set_public_address(self, machine_id: str, address: str | None) -> None:
        """Let this public address alone stand for the machine, or none. May be repeated."""
        self._find(machine_id).set_public_address(address)

    def running(self) -> list[str]:
        with self._lock:
            return sorted(machine.id for machine in self._machines.values() if machine.guest)

    def create_volume(self, volume_id: str, size_gib: int, snapshot_id: str | None = None) -> None:
        source = disks.snapshot_file(self.home, snapshot_id) if snapshot_id else None
        disks.make_file(disks.volume_file(self.home, volume_id), size_gib, source)

    def attach_volume(self, machine_id: str, volume_id: str, device: str) -> None:
        """Attach the volume: at once if the machine runs, otherwise at its next boot.

        As on Nitro, the machine sees the volume's id, but not the name of the device.
        """
        del device
        disk = disks.volume_disk(volume_id, disks.volume_file(self.home, volume_id))
        if not disk.file.exists():
            raise SandboxError(f"There is no volume {volume_id}")
        self._find(machine_id).attach(volume_id, disk)

    def detach_volume(self, machine_id: str, volume_id: str) -> None:
        """Detach the volume. May be repeated."""
        self._find(machine_id).detach(volume_id)

    def delete_volume(self, volume_id: str) -> None:
        """Remove a detached volume. May be repeated."""
        file = disks.volume_file(self.home, volume_id)
        disks.detach_loops(file)
        file.unlink(missing_ok=True)

    def create_snapshot(self, volume_id: str, snapshot_id: str) -> None:
        """Copy the volume as it is now."""
        source = disks.volume_file(self.home, volume_id)
        disks.make_file(disks.snapshot_file(self.home, snapshot_id), 0, source)

    def mark_root(self, snapshot_id: str) -> None:
        """Record that a snapshot of a machine's root is taken now; the snapshot has no content."""
        disks.root_mark(self.home, snapshot_id).touch()

    def changed_in_root(self, machine_id: str, since: str | None) -> int:
        """Return the size of all files in the machine's root that changed since its snapshot.

        All files count without such a snapshot, or if there is no mark of it.
        """
        return layers.changed_bytes(self.home, layers.layers_of(self.home, machine_id), since)

    def changed_in_image(self, image_id: str, since: str | None) -> int:
        """Return the same of an image; a layer that was copied into it counts as changed."""
        return layers.changed_bytes(self.home, find_stack(self.home, image_id).layers, since)

    def changed_in_snapshot(self, snapshot_id: str, since: str | None) -> int:
        """Return the size of the blocks in which a snapshot differs from another one.

        All that were written count without another one, or if it is gone.
        """
        before = disks.snapshot_file(self.home, since) if since else None
        if not before or not before.exists():
            return self.snapshot_bytes(snapshot_id)
        return disks.differing_bytes(disks.snapshot_file(self.home, snapshot_id), before)

    def copy_snapshot(self, source_id: str, snapshot_id: str) -> None:
        """Copy another snapshot."""
        source = disks.snapshot_file(self.home, source_id)
        disks.make_file(disks.snapshot_file(self.home, snapshot_id), 0, source)

    def snapshot_bytes(self, snapshot_id: str) -> int:
        """Return the size of what was written to the snapshot's volume."""
        return disks.snapshot_file(self.home, snapshot_id).stat().st_blocks * disks.BLOCK_BYTES

    def image_bytes(self, image_id: str) -> int:
        """Return the size of all files in the image's root."""
        return layers.image_bytes(self.home, image_id)

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Remove the snapshot. May be repeated."""
        disks.snapshot_file(self.home, snapshot_id).unlink(missing_ok=True)
        disks.root_mark(self.home, snapshot_id).unlink(missing_ok=True)

    def add_instance_store(self, machine_id: str, sizes_gib: Sequence[int]) -> None:
        """Add disks that are blank after a stop, and keep their content during a reboot."""
        self._find(machine_id).add_store(sizes_gib)

    def kill(self, machine_id: str) -> None:
        """End the machine at once, as a failing hypervisor would; `on_exit` is called."""
        self._find(machine_id).kill()

    def prevent_boot(self, machine_id: str) -> None:
        """Let the kernel panic at every boot from now on; the machine counts as running."""
        self._find(machine_id).is_broken = True

    def cut_ssh(self, machine_id: str) -> int:
        """Reset the ssh connections to the machine, and return how many; new connections work."""
        return network.reset_connections(self.home, machine_id, 22)

    def freeze_ssh(self, machine_id: str) -> None:
        """Drop all ssh packets from and to the machine silently, until `thaw_ssh`."""
        packet_loss.drop(self.home, self._find(machine_id).address, packet_loss.SSH)

    def thaw_ssh(self, machine_id: str) -> int:
        """Let ssh packets pass again, and return how many were dropped. May be repeated."""
        dropped = self.dropped_ssh(machine_id)
        packet_loss.stop(self.home, self._find(machine_id).address, packet_loss.SSH)
        return dropped

    def dropped_ssh(self, machine_id: str) -> int:
        """Return how many ssh packets were dropped since `freeze_ssh`."""
        return packet_loss.dropped(self.home, self._find(machine_id).address, packet_loss.SSH)

    def _find(self, machine_id: str) -> Machine:
        with self._lock:
            if machine := self._machines.get(machine_id):
                return machine
        raise SandboxError(f"There is no machine {machine_id}")
