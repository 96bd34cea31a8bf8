"""A machine: its disks, its processes and its end. Thread-safe."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from sandbox.errors import SandboxError
from sandbox.files import tail
from sandbox.home import Home
from sandbox.hosts import cgroups, disks, firewall, layers, network, packet_loss
from sandbox.hosts.attached_disks import AttachedDisks
from sandbox.hosts.disks import Disk
from sandbox.hosts.layer_stack import stack_of_machine
from sandbox.hosts.nspawn import (
    START_POWEROFF,
    START_REBOOT,
    Exit,
    Guest,
    remove_traces,
    start_guest,
)

log = logging.getLogger(__name__)

OnExit = Callable[[str, Exit], None]
CONSOLE_BYTES = 64 * 1024
SIGNAL_AGAIN_SECONDS = 2.0


class Machine:
    """A machine, running or not. Its root must exist."""

    def __init__(self, home: Home, machine_id: str, address: str) -> None:
        self.home = home
        self.id = machine_id
        self.address = address
        self.public_address: str | None = None
        self.guest: Guest | None = None
        self.is_broken = False
        """Whether the kernel panics at every boot."""
        self.conditions = stack_of_machine(home, machine_id).conditions
        self.upgrade_seconds = self.conditions.upgrade_seconds
        """How long the next boot, which is the first, holds apt's locks."""
        self._place = home.machines_path / machine_id
        self._disks = AttachedDisks(self._place)
        self._destroyed = False
        self._is_frozen = False
        self._lock = threading.RLock()
        self._ended = threading.Event()

    def boot(self, on_exit: OnExit) -> None:
        """Return when PID 1 runs; `on_exit` is called from another thread when it has ended."""
        with self._lock:
            if self.guest or self._destroyed:
                raise SandboxError(f"{self.id} is running already, or destroyed")
            try:
                guest = self._start()
            except BaseException:
                self._release(Exit.KILLED)
                raise
            self._ended.clear()
            self.guest = guest
            threading.Thread(target=self._watch, args=(guest, on_exit), daemon=True).start()

    def shut_down(self, timeout_seconds: float) -> None:
        waited = 0.0
        while (guest := self.guest) and waited < timeout_seconds:
            # Repeatedly: a systemd that has only just started loses the signal.
            guest.signal_init(START_POWEROFF)
            self._ended.wait(SIGNAL_AGAIN_SECONDS)
            waited += SIGNAL_AGAIN_SECONDS
        if self.guest:
            log.warning("Machine %s did not power off in time: killing it", self.id)
            self.kill()

    def kill(self) -> None:
        if guest := self.guest:
            guest.kill()
            self._ended.wait()

    def reboot(self) -> None:
        if guest := self.guest:
            guest.signal_init(START_REBOOT)

    def destroy(self) -> None:
        with self._lock:
            self._destroyed = True
        self.kill()
        with self._lock:
            self._release(Exit.KILLED)
            self.set_public_address(None)
            network.disconnect(self.home, self.id, self.address)
            firewall.remove_rules(self.home, self.address)
            remove_traces(self.home, self.id)
            layers.remove_root(self.home, self.id)

    def set_public_address(self, address: str | None) -> None:
        with self._lock:
            if self.public_address == address:
                return
            if self.public_address:
                firewall.withdraw(self.home, self.public_address, self.address)
            if address:
                firewall.publish(self.home, address, self.address)
            self.public_address = address

    @contextmanager
    def frozen(self) -> Iterator[None]:
        guest = self.guest
        with cgroups.frozen(guest.groups) if guest else nullcontext():
            self._is_frozen = True
            try:
                yield
            finally:
                self._is_frozen = False

    def bake(self, image_id: str) -> None:
        with self._lock:
            if self.guest and not self._is_frozen:
                raise SandboxError(f"{self.id} must not run while its image is made")
            layers.bake(self.home, self.id, image_id)

    def console(self) -> str:
        return tail(self._place / "console.log", CONSOLE_BYTES)

    def attach(self, disk_id: str, disk: Disk) -> None:
        with self._lock:
            self._disks.add_volume(disk_id, disk)
            if self.guest:
                self._show_disks(self.guest)

    def detach(self, disk_id: str) -> None:
        with self._lock:
            if not (disk := self._disks.remove_volume(disk_id)):
                return
            if self.guest:
                self._show_disks(self.guest)
            disks.detach_loops(disk.file)

    def add_store(self, sizes_gib: Sequence[int]) -> None:
        with self._lock:
            self._disks.add_store(sizes_gib)

    def _start(self) -> Guest:
        self._disks.make_store()
        self._disks.write_table()
        self._write_upgrade_seconds()
        root = layers.mount_root(self.home, self.id)
        (root / "etc/resolv.conf").write_text(network.resolver_text())
        if self.is_broken:
            packet_loss.drop(self.home, self.address, packet_loss.EVERYTHING)
        if self.conditions.blocks_egress:
            packet_loss.drop(self.home, self.address, packet_loss.EGRESS)
        groups = cgroups.make_groups(self.home, self.id)
        if limit := self.conditions.read_bytes_per_second:
            cgroups.limit_reads(groups, layers.slow_devices(self.home, self.id), limit)
        return start_guest(
            f"{self.home.name}-{self.id}",
            groups,
            hostname=self.id,
            root=root,
            namespace=network.connect(self.home, self.id, self.address),
            shared=self._place / "shared",
            console=self._place / "console.log",
            variables=self.conditions.environment,
            is_broken=self.is_broken,
        )

    def _watch(self, guest: Guest, on_exit: OnExit) -> None:
        try:
            reason = guest.wait_for_exit()
        except Exception:
            log.exception("Machine %s: how it ended cannot be told; it counts as killed", self.id)
            reason = Exit.KILLED
        with self._lock:
            try:
                self._release(reason)
            except Exception:
                log.exception("Machine %s has ended, and not all that it used is free", self.id)
            self.guest = None
            destroyed = self._destroyed
            self._ended.set()
        if not destroyed:
            log.info("Machine %s: %s", self.id, reason.value)
            on_exit(self.id, reason)

    def _release(self, reason: Exit) -> None:
        """Release what only a running machine needs."""
        self._disks.release(keep_store=reason is Exit.REBOOTED)
        layers.unmount_root(self.home, self.id)

    def _show_disks(self, guest: Guest) -> None:
        self._disks.write_table()
        if guest.init_id:  # a machine that is shutting down reads the table at its next boot
            guest.run_inside("/usr/lib/notebake-sandbox/devices")

    def _write_upgrade_seconds(self) -> None:
        """Write them where the machine reads them, outside of its root and its images."""
        file = self._place / "shared" / "upgrade-seconds"
        file.unlink(missing_ok=True)
        if self.upgrade_seconds:
            file.write_text(f"{self.upgrade_seconds}\n")
        self.upgrade_seconds = 0.0
