"""The mounted root of a machine: its own upper directory over read-only layers.

The machine's conditions may put the upper directory on a small disk of its own, or slow down reads
from the layers: then each layer is a disk image, on a device that only this machine reads.
"""

import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import locked
from sandbox.hosts.disks import attach_separate_loop
from sandbox.programs import run_program
from sandbox.twists.table import MIB, Conditions

log = logging.getLogger(__name__)
UNMOUNT_TIMEOUT_SECONDS = 10
IMAGE_TIMEOUT_SECONDS = 600
IMAGE_SUFFIX = ".img"
# For the file system's own tables.
SPARE_MIB = 64
# What an overlay writes is synced to disk by nobody if it is volatile. Otherwise whatever others
# have written to the same file system is, too: each `sync` of a machine, and the end of each, would
# wait until it is on the disk. A machine ends with this computer in any case.
# The mark prevents a second mount: only a crash in between could make that one wrong
# (Documentation/filesystems/overlayfs.rst, "Volatile mount"; since Linux 5.10).
VOLATILE_MARK = "work/incompat"


def make_upper(place: Path, conditions: Conditions) -> None:
    """Create an empty upper directory for a machine whose root is not mounted."""
    _remove_uppers(place)
    for name in ("root", "shared", "slow"):
        (place / name).mkdir(exist_ok=True)
        (place / name).chmod(0o755)
    holder = place
    if conditions.root_mib:
        holder = place / "disk"
        holder.mkdir(exist_ok=True)
        _make_disk(place / "disk.img", conditions.root_mib)
        mount_upper(place)
    for name in ("upper", "work"):
        (holder / name).mkdir()
        (holder / name).chmod(0o755)
        if holder != place:
            (place / name).symlink_to(holder / name)
    unmount(place / "disk")


def mount_root(name: str, place: Path, layers: Sequence[str], conditions: Conditions) -> Path:
    """Mount the root of the machine in this directory and return it; the lowest layer is first."""
    root = place / "root"
    if root.is_mount():
        return root
    mount_upper(place)
    if conditions.read_bytes_per_second:
        layers = [str(_mount_separately(place, Path(layer))) for layer in layers]
    lower = ":".join(reversed(layers))
    shutil.rmtree(place / "work" / VOLATILE_MARK, ignore_errors=True)
    try:
        return mount_overlay(place, lower, name, ("volatile",))
    except SandboxError:
        log.debug("This kernel knows no volatile overlay: machines may end late")
        return mount_overlay(place, lower, name)


def mount_overlay(
    place: Path, lower: str, name: str = "overlay", options: Sequence[str] = ()
) -> Path:
    """Mount `upper` over the lower directories at `root`, all below this place; return `root`."""
    parts = (f"lowerdir={lower}", f"upperdir={place / 'upper'}", f"workdir={place / 'work'}")
    words = ",".join((*parts, "index=off", *options))
    run_program("mount", "-t", "overlay", name, "-o", words, place / "root")
    return place / "root"


def unmount_root(place: Path) -> None:
    """Undo `mount_root`. May be repeated."""
    for mounted in (place / "root", *(place / "slow").glob("*"), place / "disk"):
        unmount(mounted)


def mount_upper(place: Path) -> None:
    """Mount the disk of the upper directory, if it has its own. May be repeated."""
    if (place / "disk.img").exists() and not (place / "disk").is_mount():
        run_program("mount", "-o", "loop", place / "disk.img", place / "disk")


def has_upper_disk(place: Path) -> bool:
    """Return whether the upper directory is on a disk of its own, so that it cannot be renamed."""
    return (place / "disk.img").exists()


def slow_devices(place: Path) -> list[str]:
    """Return MAJOR:MINOR of each device whose reads are slowed down."""
    numbers = [path.stat().st_dev for path in (place / "slow").glob("*") if path.is_mount()]
    return [f"{number >> 8}:{number & 0xFF}" for number in numbers]


def _mount_separately(place: Path, layer: Path) -> Path:
    """Mount a layer from a device of its own, of which nothing is cached in memory."""
    mounted = place / "slow" / layer.name
    mounted.mkdir(exist_ok=True)
    image = _image_of(layer)
    # Without the lock, whoever clears the cache would take an unmounted device for a leftover.
    with locked(layer.with_name(f".{layer.name}.lock")):
        device = attach_separate_loop(image)
        try:
            run_program("mount", "-o", "ro", device, mounted)
        finally:
            run_program("losetup", "--detach", device)  # takes effect when it is unmounted
    return mounted


def _image_of(layer: Path) -> Path:
    """Return the disk image of a layer, created when the first machine needs it."""
    image = layer.with_name(f"{layer.name}{IMAGE_SUFFIX}")
    with locked(layer.with_name(f".{layer.name}.lock")):
        if not image.exists():
            temporary = layer.with_name(f".{image.name}.part")
            files = len(run_program("find", layer, "-printf", "x"))
            used_mib = int(run_program("du", "--summarize", "--block-size=1M", layer).split()[0])
            temporary.unlink(missing_ok=True)
            size = f"{used_mib * 5 // 4 + SPARE_MIB}M"
            inodes = str(files * 5 // 4 + 1000)
            options = ("-q", "-F", "-m", "0", "-O", "^has_journal", "-N", inodes, "-d", layer)
            run_program(
                "mkfs.ext4", *options, temporary, size, timeout_seconds=IMAGE_TIMEOUT_SECONDS
            )
            temporary.rename(image)
    return image


def _make_disk(file: Path, size_mib: int) -> None:
    with file.open("wb") as stream:
        stream.truncate(size_mib * MIB)
    run_program("mkfs.ext4", "-q", "-F", "-m", "0", file)


def _remove_uppers(place: Path) -> None:
    for name in ("upper", "work"):
        if (place / name).is_symlink():
            (place / name).unlink()
        shutil.rmtree(place / name, ignore_errors=True)
    (place / "disk.img").unlink(missing_ok=True)


def unmount(mounted: Path) -> None:
    """Unmount what is mounted here, if anything; SandboxError if it stays busy."""
    deadline = time.monotonic() + UNMOUNT_TIMEOUT_SECONDS
    while mounted.is_mount():
        try:
            run_program("umount", mounted)
        except SandboxError:
            # The kernel keeps a mount busy for a moment after its last process was killed.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
