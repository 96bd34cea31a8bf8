"""The root of one machine while it is mounted: an own upper directory over read-only layers.

The nature of a machine may give it a disk of its own for the upper directory, which can be full, or
layers that are read slowly: then each of them is a disk image, on a device that only it reads.
"""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import locked
from sandbox.hosts.disks import attach_loop_anew
from sandbox.programs import run_program
from sandbox.twists.table import MIB, Nature

UNMOUNT_TIMEOUT_SECONDS = 10
IMAGE_TIMEOUT_SECONDS = 600
IMAGE_SUFFIX = ".img"
# For a file system's own tables, beside the files.
SPARE_MIB = 64


def make_upper(place: Path, nature: Nature) -> None:
    """Give a machine that is not mounted an empty upper directory."""
    _remove_uppers(place)
    for name in ("root", "shared", "slow"):
        (place / name).mkdir(exist_ok=True)
        (place / name).chmod(0o755)
    holder = place
    if nature.root_mib:
        holder = place / "disk"
        holder.mkdir(exist_ok=True)
        _make_disk(place / "disk.img", nature.root_mib)
        mount_upper(place)
    for name in ("upper", "work"):
        (holder / name).mkdir()
        (holder / name).chmod(0o755)
        if holder != place:
            (place / name).symlink_to(holder / name)
    _unmount(place / "disk")


def mount_root(name: str, place: Path, layers: Sequence[str], nature: Nature) -> Path:
    """Return the mounted root of the machine at this place; `layers` are given lowest first."""
    root = place / "root"
    if root.is_mount():
        return root
    mount_upper(place)
    if nature.read_bytes_per_second:
        layers = [str(_mount_slowly(place, Path(layer))) for layer in layers]
    lower = ":".join(reversed(layers))
    options = f"lowerdir={lower},upperdir={place / 'upper'},workdir={place / 'work'},index=off"
    run_program("mount", "-t", "overlay", name, "-o", options, root)
    return root


def unmount_root(place: Path) -> None:
    """Undo `mount_root`. May be repeated."""
    for mounted in (place / "root", *(place / "slow").glob("*"), place / "disk"):
        _unmount(mounted)


def mount_upper(place: Path) -> None:
    """Mount what holds the upper directory, where that is a disk of its own. May be repeated."""
    if (place / "disk.img").exists() and not (place / "disk").is_mount():
        run_program("mount", "-o", "loop", place / "disk.img", place / "disk")


def holds_upper_alone(place: Path) -> bool:
    """Tell whether the upper directory lies on a disk of its own, and cannot be renamed."""
    return (place / "disk.img").exists()


def slow_devices(place: Path) -> list[str]:
    """Return MAJOR:MINOR of each device from which layers are read slowly."""
    numbers = [path.stat().st_dev for path in (place / "slow").glob("*") if path.is_mount()]
    return [f"{number >> 8}:{number & 0xFF}" for number in numbers]


def _mount_slowly(place: Path, layer: Path) -> Path:
    """Mount a layer from a device of its own, of which nothing is in the memory yet."""
    mounted = place / "slow" / layer.name
    mounted.mkdir(exist_ok=True)
    device = attach_loop_anew(_image_of(layer))
    try:
        run_program("mount", "-o", "ro", device, mounted)
    finally:
        run_program("losetup", "--detach", device)  # it goes when it is unmounted
    return mounted


def _image_of(layer: Path) -> Path:
    """Return the disk image of a layer, made when the first machine asks for it."""
    image = layer.with_name(f"{layer.name}{IMAGE_SUFFIX}")
    with locked(layer.with_name(f".{layer.name}.lock")):
        if not image.exists():
            beside = layer.with_name(f".{image.name}.part")
            files = len(run_program("find", layer, "-printf", "x"))
            used_mib = int(run_program("du", "--summarize", "--block-size=1M", layer).split()[0])
            beside.unlink(missing_ok=True)
            size = f"{used_mib * 5 // 4 + SPARE_MIB}M"
            options = (
                "-q",
                "-F",
                "-m",
                "0",
                "-O",
                "^has_journal",
                "-N",
                str(files * 5 // 4 + 1000),
            )
            command = ("mkfs.ext4", *options, "-d", layer, beside, size)
            run_program(*command, timeout_seconds=IMAGE_TIMEOUT_SECONDS)
            beside.rename(image)
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


def _unmount(mounted: Path) -> None:
    deadline = time.monotonic() + UNMOUNT_TIMEOUT_SECONDS
    while mounted.is_mount():
        try:
            run_program("umount", mounted)
        except SandboxError:
            # The kernel takes a moment to let go of a mount whose last process was killed.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
