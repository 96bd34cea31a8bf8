"""The host layer in memory: what was asked of it, and hosts that obey at once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sandbox.hosts import addresses
from sandbox.hosts.machines import Exit, Rule
from tests.limits import HANG_SECONDS

OnExit = Callable[[str, Exit], None]


class FakeMachines:
    """Has the methods of `Machines`. Hosts are named by what their disks would hold."""

    # Loopback: whoever speaks to such a host by mistake speaks to nobody else.
    subnet = "127.213.0.0/16"
    public_subnet = "127.214.0.0/16"

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.actions: list[tuple[str, ...]] = []
        self.roots: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.upgrade_seconds: dict[str, float] = {}
        self.on_exit: dict[str, OnExit] = {}
        self.public_addresses: dict[str, str] = {}
        self.rules: dict[str, list[Rule]] = {}
        self.volumes: dict[str, str] = {}
        self.snapshots: dict[str, str] = {}
        self.attached: dict[str, str] = {}
        self.stores: dict[str, list[int]] = {}
        self.baked: list[str] = ["base"]
        self.copied_from: dict[str, str] = {}
        self.root_marks: list[str] = []
        self.changed_bytes = 2**30
        """What a snapshot differs from the one before; one without such is twice as large."""
        self.still: set[str] = set()
        self.refuse_to_boot = False
        self._may_work = threading.Event()
        self._may_work.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing that takes its time on a host come to an end while the block runs."""
        self._may_work.clear()
        try:
            yield
        finally:
            self._may_work.set()

    def create_root(self, machine_id: str, image_id: str, subnet: str | None = None) -> None:
        assert image_id in self.baked
        with self.lock:
            self.addresses[machine_id] = next(self.free_addresses(subnet or self.subnet))
        self._note("create_root", machine_id, image_id)
        self.roots[machine_id] = image_id

    def upgrade_at_first_boot(self, machine_id: str, seconds: float) -> None:
        assert machine_id in self.roots
        self.upgrade_seconds[machine_id] = seconds

    def bake_image(self, machine_id: str, image_id: str) -> None:
        self._work("bake_image", machine_id, image_id)
        assert machine_id not in self.on_exit or machine_id in self.still, "must be still"
        self.baked.append(image_id)

    def copy_image(self, source_id: str, image_id: str) -> None:
        self._work("copy_image", source_id, image_id)
        assert source_id in self.baked
        self.baked.append(image_id)
        self.copied_from[image_id] = source_id

    @contextmanager
    def frozen(self, machine_id: str) -> Iterator[None]:
        self._note("frozen", machine_id)
        self.still.add(machine_id)
        yield
        self.still.discard(machine_id)

    def delete_image(self, image_id: str) -> None:
        self._note("delete_image", image_id)
        if image_id in self.baked:
            self.baked.remove(image_id)

    def images(self) -> list[str]:
        return list(self.baked)

    def free_addresses(self, subnet: str) -> Iterator[str]:
        with self.lock:
            taken = set(self.addresses.values())
        return (address for address in addresses.usable(subnet) if address not in taken)

    def reserve_address(self, machine_id: str) -> str:
        return self.addresses[machine_id]

    def boot(self, machine_id: str, on_exit: OnExit) -> None:
        self._work("boot", machine_id)
        if self.refuse_to_boot:
            raise RuntimeError("no room")
        assert machine_id in self.roots
        assert machine_id not in self.on_exit, "runs already"
        self.on_exit[machine_id] = on_exit

    def shut_down(self, machine_id: str, timeout_seconds: float = 30) -> None:
        self._work("shut_down", machine_id, str(timeout_seconds))
        self.end_from_inside(machine_id, Exit.POWERED_OFF)

    def reboot(self, machine_id: str) -> None:
        self._note("reboot", machine_id)
        self.end_from_inside(machine_id, Exit.REBOOTED)

    def destroy(self, machine_id: str) -> None:
        self._work("destroy", machine_id)
        self.end_from_inside(machine_id, Exit.KILLED)
        self.roots.pop(machine_id, None)
        with self.lock:
            self.addresses.pop(machine_id, None)
        self.set_public_address(machine_id, None)

    def kill(self, machine_id: str) -> None:
        self._note("kill", machine_id)
        self.end_from_inside(machine_id, Exit.KILLED)

    def prevent_boot(self, machine_id: str) -> None:
        self._note("prevent_boot", machine_id)

    def cut_ssh(self, machine_id: str) -> int:
        assert machine_id in self.roots
        self._note("cut_ssh", machine_id)
        return 1

    def freeze_ssh(self, machine_id: str) -> None:
        assert machine_id in self.roots
        self._note("freeze_ssh", machine_id)

    def thaw_ssh(self, machine_id: str) -> int:
        self._note("thaw_ssh", machine_id)
        return 0

    def end_from_inside(self, machine_id: str, why: Exit) -> None:
        """End the host's first process, as `poweroff` or `reboot` on it would."""
        if on_exit := self.on_exit.pop(machine_id, None):
            on_exit(machine_id, why)

    def console(self, machine_id: str) -> str:
        assert machine_id in self.roots
        return f"-----BEGIN SSH HOST KEY KEYS-----\nkeys of {machine_id}\n"

    def set_rules(self, machine_id: str, rules: Sequence[Rule]) -> None:
        self.rules[machine_id] = list(rules)

    def set_public_address(self, machine_id: str, address: str | None) -> None:
        self.public_addresses.pop(machine_id, None)
        if address:
            assert address not in self.public_addresses.values()
            self.public_addresses[machine_id] = address

    def running(self) -> list[str]:
        return sorted(self.on_exit)

    def create_volume(self, volume_id: str, size_gib: int, snapshot_id: str | None = None) -> None:
        self._work("create_volume", volume_id, str(size_gib), snapshot_id or "")
        self.volumes[volume_id] = self.snapshots[snapshot_id] if snapshot_id else volume_id

    def attach_volume(self, machine_id: str, volume_id: str, device: str) -> None:
        assert volume_id in self.volumes
        self._work("attach_volume", machine_id, volume_id, device)
        self.attached[volume_id] = machine_id

    def detach_volume(self, machine_id: str, volume_id: str) -> None:
        self._work("detach_volume", machine_id, volume_id)
        self.attached.pop(volume_id, None)

    def delete_volume(self, volume_id: str) -> None:
        self._note("delete_volume", volume_id)
        self.volumes.pop(volume_id, None)

    def create_snapshot(self, volume_id: str, snapshot_id: str) -> None:
        self._work("create_snapshot", volume_id, snapshot_id)
        self.snapshots[snapshot_id] = self.volumes[volume_id]

    def copy_snapshot(self, source_id: str, snapshot_id: str) -> None:
        self._work("copy_snapshot", source_id, snapshot_id)
        self.snapshots[snapshot_id] = self.snapshots[source_id]

    def mark_root(self, snapshot_id: str) -> None:
        self.root_marks.append(snapshot_id)

    def changed_in_root(self, machine_id: str, since: str | None) -> int:
        assert machine_id in self.roots
        return self.changed_in_snapshot("", since)

    def changed_in_image(self, image_id: str, since: str | None) -> int:
        assert image_id in self.baked
        return self.changed_in_snapshot("", since)

    def changed_in_snapshot(self, snapshot_id: str, since: str | None) -> int:
        del snapshot_id
        return self.changed_bytes if since else 2 * self.changed_bytes

    def snapshot_bytes(self, snapshot_id: str) -> int:
        assert snapshot_id in self.snapshots
        return 3 * 2**28

    def image_bytes(self, image_id: str) -> int:
        assert image_id
        return 3 * 2**29

    def delete_snapshot(self, snapshot_id: str) -> None:
        self._note("delete_snapshot", snapshot_id)
        self.snapshots.pop(snapshot_id, None)

    def add_instance_store(self, machine_id: str, sizes_gib: Sequence[int]) -> None:
        self.stores[machine_id] = list(sizes_gib)

    def _work(self, *words: str) -> None:
        self._note(*words)
        assert self._may_work.wait(timeout=HANG_SECONDS), "held for ever"

    def _note(self, *words: str) -> None:
        with self.lock:
            self.actions.append(words)
