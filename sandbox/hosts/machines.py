"""The machines, volumes and images of one sandbox: what the EC2 API drives. Thread-safe.

Needs   root, the network of the home (`network.up`), the base system
Gives   hosts that boot, with an address, disks, a firewall and a console
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress

from sandbox.errors import SandboxError
from sandbox.home import Home
from sandbox.hosts import addresses, disks, firewall, layers, network, packet_loss
from sandbox.hosts.firewall import Rule
from sandbox.hosts.machine import Machine
from sandbox.hosts.nspawn import Exit

__all__ = ["Exit", "Machines", "Rule"]


class Machines:
    """All that lies below one home. Machines end with the process; images and snapshots stay."""

    def __init__(self, home: Home) -> None:
        self.home = home
        layers.record_base(home)
        self._machines: dict[str, Machine] = {}
        self._lock = threading.RLock()

    @property
    def subnet(self) -> str:
        """The network in which all machines lie."""
        return self.home.subnet

    def create_root(self, machine_id: str, image_id: str, subnet: str | None = None) -> None:
        """Give a new machine a root that starts as the image, and an address of the subnet."""
        with self._lock:
            address = next(self.free_addresses(subnet or self.subnet), None)
            if not address:
                raise SandboxError(f"{subnet or self.subnet} has no free address")
            layers.make_root(self.home, machine_id, image_id)
            self._machines[machine_id] = Machine(self.home, machine_id, address)

    def upgrade_at_first_boot(self, machine_id: str, seconds: float) -> None:
        """Let the machine hold the locks of apt for so long when it boots for the first time.

        One whose twist says so holds them longer.
        """
        machine = self._find(machine_id)
        machine.upgrade_seconds = max(seconds, machine.nature.upgrade_seconds)

    def bake_image(self, machine_id: str, image_id: str) -> None:
        """Make an image of a machine's root: at once if it is stopped, a copy if it is frozen."""
        self._find(machine_id).bake(image_id)

    def frozen(self, machine_id: str) -> AbstractContextManager[None]:
        """Hold the machine still while the block runs; nothing of it writes to a disk."""
        return self._find(machine_id).frozen()

    def delete_image(self, image_id: str) -> None:
        """Forget the image; layers on which nothing stands any more leave the disk. Repeatable."""
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
        """Return the machine's address, its own until it is destroyed."""
        return self._find(machine_id).address

    def boot(self, machine_id: str, on_exit: Callable[[str, Exit], None]) -> None:
        """Return when PID 1 runs; `on_exit` is called from another thread when it has ended.

        A machine that rebooted has ended too: boot it again.
        """
        self._find(machine_id).boot(on_exit)

    def shut_down(self, machine_id: str, timeout_seconds: float = 30) -> None:
        """Power off cleanly and wait; what runs after the timeout is killed (Exit.KILLED)."""
        self._find(machine_id).shut_down(timeout_seconds)

    def reboot(self, machine_id: str) -> None:
        """Ask the machine to reboot itself, and do not wait."""
        self._find(machine_id).reboot()

    def destroy(self, machine_id: str) -> None:
        """Kill the machine and remove all of it, without calling `on_exit`. May be repeated."""
        with suppress(SandboxError):
            self._find(machine_id).destroy()
        with self._lock:
            self._machines.pop(machine_id, None)

    def console(self, machine_id: str) -> str:
        """Return the last 64 KiB that the machine wrote on its console, over all its boots."""
        return self._find(machine_id).console()

    def set_rules(self, machine_id: str, rules: Sequence[Rule]) -> None:
        """Let in what the rules say and nothing else; until then nothing gets in at all."""
        firewall.set_rules(self.home, self._find(machine_id).address, rules)

    def running(self) -> list[str]:
        """Return the ids of the machines that run."""
        with self._lock:
            return sorted(machine.id for machine in self._machines.values() if machine.guest)

    def create_volume(self, volume_id: str, size_gib: int, snapshot_id: str | None = None) -> None:
        """Make a blank volume, or one with the content of a snapshot."""
        source = disks.snapshot_file(self.home, snapshot_id) if snapshot_id else None
        disks.make_file(disks.volume_file(self.home, volume_id), size_gib, source)

    def attach_volume(self, machine_id: str, volume_id: str, device: str) -> None:
        """Show the volume to the machine: at once if it runs, else from its next boot on.

        As on Nitro the asked-for device name shows nowhere inside: only the volume's id does.
        """
        del device
        disk = disks.volume_disk(volume_id, disks.volume_file(self.home, volume_id))
        if not disk.file.exists():
            raise SandboxError(f"There is no volume {volume_id}")
        self._find(machine_id).attach(volume_id, disk)

    def detach_volume(self, machine_id: str, volume_id: str) -> None:
        """Take the volume from the machine. May be repeated."""
        self._find(machine_id).detach(volume_id)

    def delete_volume(self, volume_id: str) -> None:
        """Remove a detached volume. May be repeated."""
        file = disks.volume_file(self.home, volume_id)
        disks.detach_loops(file)
        file.unlink(missing_ok=True)

    def create_snapshot(self, volume_id: str, snapshot_id: str) -> None:
        """Copy the volume as it is at this moment."""
        source = disks.volume_file(self.home, volume_id)
        disks.make_file(disks.snapshot_file(self.home, snapshot_id), 0, source)

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Remove the snapshot. May be repeated."""
        disks.snapshot_file(self.home, snapshot_id).unlink(missing_ok=True)

    def add_instance_store(self, machine_id: str, sizes_gib: Sequence[int]) -> None:
        """Give the machine disks that are blank after a stop but keep their content at a reboot."""
        self._find(machine_id).add_store(sizes_gib)

    def kill(self, machine_id: str) -> None:
        """End all of the machine at once, as a failing hypervisor would; `on_exit` is told so."""
        self._find(machine_id).kill()

    def never_boots(self, machine_id: str) -> None:
        """Let every boot from now on count as one, with a kernel that panics and answers nobody."""
        self._find(machine_id).is_broken = True

    def cut_ssh(self, machine_id: str) -> int:
        """Reset the ssh connections to the machine and return how many; new ones are let in."""
        return network.reset_connections(self.home, machine_id, 22)

    def freeze_ssh(self, machine_id: str) -> None:
        """Lose all packets of ssh from and to the machine in silence, until `thaw_ssh`."""
        packet_loss.lose(self.home, self._find(machine_id).address, packet_loss.SSH)

    def thaw_ssh(self, machine_id: str) -> int:
        """Let ssh pass again, and return how many packets were lost. May be repeated."""
        lost = self.lost_ssh(machine_id)
        packet_loss.forget(self.home, self._find(machine_id).address, packet_loss.SSH)
        return lost

    def lost_ssh(self, machine_id: str) -> int:
        """Return how many packets of ssh were lost since `freeze_ssh`."""
        return packet_loss.count(self.home, self._find(machine_id).address, packet_loss.SSH)

    def _find(self, machine_id: str) -> Machine:
        with self._lock:
            if machine := self._machines.get(machine_id):
                return machine
        raise SandboxError(f"There is no machine {machine_id}")
