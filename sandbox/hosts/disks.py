"""EBS volumes and instance store: sparse files behind loop devices, named as on Nitro."""

import errno
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sandbox.errors import SandboxError
from sandbox.home import Home
from sandbox.programs import run_program

GIB = 1024**3
BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the file system has."""
EBS_BLOCK_BYTES = 512 * 1024
"""What EBS compares: https://docs.aws.amazon.com/ebs/latest/APIReference/API_ListChangedBlocks.html"""
BLOCK_DEVICES = Path("/sys/block")
DETACH_TIMEOUT_SECONDS = 2.0
EBS_MODEL = "Amazon Elastic Block Store"
STORE_MODEL = "Amazon EC2 NVMe Instance Storage"


@dataclass(frozen=True)
class Disk:
    """A block device that a machine sees."""

    serial: str
    model: str
    file: Path

    @property
    def link(self) -> str:
        """The name below /dev/disk/by-id, as EC2's udev rules make it."""
        return f"nvme-{self.model.replace(' ', '_')}_{self.serial}"


def volume_file(home: Home, volume_id: str) -> Path:
    """Return the file with the content of a volume."""
    return home.path / "volumes" / f"{volume_id}.img"


def snapshot_file(home: Home, snapshot_id: str) -> Path:
    """Return the file with the content of a snapshot."""
    return home.path / "snapshots" / f"{snapshot_id}.img"


def root_mark(home: Home, snapshot_id: str) -> Path:
    """Return the empty file that is as old as a snapshot of a machine's root."""
    return home.path / "snapshots" / f"{snapshot_id}.root"


def volume_disk(volume_id: str, file: Path) -> Disk:
    """Return a volume's disk; its serial is the volume's id without a dash."""
    return Disk(volume_id.replace("-", ""), EBS_MODEL, file)


def make_file(file: Path, size_gib: int, source: Path | None = None) -> None:
    """Create a blank sparse file, or a sparse copy of the source enlarged to the size."""
    if file.exists():
        raise SandboxError(f"{file} already exists")
    temporary = file.with_name(f".{file.name}.new")
    temporary.unlink(missing_ok=True)
    if source:
        copy_file(source, temporary)
    with temporary.open("ab") as stream:
        stream.truncate(max(size_gib * GIB, temporary.stat().st_size))
    temporary.replace(file)


def copy_file(source: Path, target: Path) -> None:
    """Copy a sparse file as such; a file system with reflinks copies no blocks at all."""
    if not source.exists():
        raise SandboxError(f"{source} does not exist")
    run_program("cp", "--sparse=auto", "--reflink=auto", source, target, timeout_seconds=900)


def differing_bytes(file: Path, other: Path) -> int:
    """Return the size of the EBS blocks in which two sparse files differ."""
    with file.open("rb") as one, other.open("rb") as two:
        written = _written_blocks(one) | _written_blocks(two)
        return sum(_read_block(one, at) != _read_block(two, at) for at in written) * EBS_BLOCK_BYTES


def _written_blocks(stream: BinaryIO) -> set[int]:
    """Return the numbers of the blocks that are not a hole as a whole."""
    found: set[int] = set()
    end = os.fstat(stream.fileno()).st_size
    at = 0
    while at < end:
        try:
            begin = os.lseek(stream.fileno(), at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nothing but a hole follows
                raise
            break
        at = os.lseek(stream.fileno(), begin, os.SEEK_HOLE)
        found.update(range(begin // EBS_BLOCK_BYTES, -(-at // EBS_BLOCK_BYTES)))
    return found


def _read_block(stream: BinaryIO, number: int) -> bytes:
    """Return a block; beyond the end of a smaller disk it is zeros."""
    content = os.pread(stream.fileno(), EBS_BLOCK_BYTES, number * EBS_BLOCK_BYTES)
    return content.ljust(EBS_BLOCK_BYTES, b"\0")


def attach_loop(file: Path) -> str:
    """Return the name (loopN) of a new loop device for the file."""
    return run_program("losetup", "--find", "--show", "--nooverlap", file).strip()[len("/dev/") :]


def attach_separate_loop(file: Path) -> str:
    """Return the path of a new read-only loop device, even if the file has other devices."""
    return run_program("losetup", "--find", "--show", "--read-only", file).strip()


def detach_loops(file: Path) -> None:
    """Detach every loop device of the file; a mounted device is detached when unmounted."""
    deadline = time.monotonic() + DETACH_TIMEOUT_SECONDS
    names = loops_below(file)
    while names and time.monotonic() < deadline:
        for name in names:
            with suppress(SandboxError):
                run_program("losetup", "--detach", f"/dev/{name}")
        if names := loops_below(file):
            time.sleep(0.02)


def loops_below(place: Path) -> dict[str, Path]:
    """Return the loop devices of this file, or of the files below this directory."""
    found: dict[str, Path] = {}
    for record in BLOCK_DEVICES.glob("loop*/loop/backing_file"):
        with suppress(OSError):  # detached in the meantime
            file = Path(record.read_text().strip().removesuffix(" (deleted)"))
            if file == place or place in file.parents:
                found[record.parent.parent.name] = file
    return found


def table_line(name: str, disk: Disk) -> str:
    """Return the line on a loop device that the machine's script `devices` reads."""
    number = (BLOCK_DEVICES / name / "dev").read_text().strip()
    return f"{name} {number} {disk.serial} {disk.link} {disk.model}\n"
