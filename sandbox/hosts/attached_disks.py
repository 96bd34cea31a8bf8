"""The disks of a machine: its volumes and its instance store. Not thread-safe."""

import random
import secrets
from collections.abc import Sequence
from pathlib import Path

from sandbox.files import replace_file
from sandbox.hosts import disks
from sandbox.hosts.disks import STORE_MODEL, Disk

SHUFFLE = random.SystemRandom()


class AttachedDisks:
    """The disks in the table that a machine reads; the machine's directory is `place`."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._volumes: dict[str, Disk] = {}
        self._store: dict[Disk, int] = {}  # with its size in GiB
        self._loops: dict[Disk, str] = {}

    def add_volume(self, disk_id: str, disk: Disk) -> None:
        self._volumes[disk_id] = disk

    def remove_volume(self, disk_id: str) -> Disk | None:
        """Remove a disk from the table and return it; None if there is no such disk."""
        if disk := self._volumes.pop(disk_id, None):
            self._loops.pop(disk, None)
        return disk

    def add_store(self, sizes_gib: Sequence[int]) -> None:
        """Add instance store: disks for which `make_store` creates the files that are missing."""
        for size_gib in sizes_gib:
            serial = f"AWS{secrets.token_hex(10).upper()}"
            self._store[Disk(serial, STORE_MODEL, self._place / f"{serial}.img")] = size_gib

    def make_store(self) -> None:
        """Create the files of instance store that are missing."""
        for disk, size_gib in self._store.items():
            if not disk.file.exists():
                disks.make_file(disk.file, size_gib)

    def write_table(self) -> None:
        """Write the table, in random order: EC2 does not promise any."""
        visible = [*self._volumes.values(), *self._store]
        SHUFFLE.shuffle(visible)
        for disk in visible:
            if disk not in self._loops:
                self._loops[disk] = disks.attach_loop(disk.file)
        lines = [disks.table_line(self._loops[disk], disk) for disk in visible]
        replace_file(self._place / "shared" / "devices", "".join(lines))

    def release(self, *, keep_store: bool) -> None:
        """Release the loop devices, and the content of the instance store unless it is kept."""
        self._loops.clear()
        for disk in [*self._volumes.values(), *self._store]:
            disks.detach_loops(disk.file)
        if not keep_store:
            for disk in self._store:
                disk.file.unlink(missing_ok=True)
