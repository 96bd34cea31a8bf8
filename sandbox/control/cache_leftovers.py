"""What killed sandboxes left in the cache of layers, which all sandboxes of this machine share.

The lock of a layer is held while it is made, and while it is attached to a device: what a lock that
is free guards is used by nobody.
"""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from sandbox.files import locked_if_free
from sandbox.hosts import disks
from sandbox.hosts.disks import BLOCK_DEVICES
from sandbox.hosts.roots import IMAGE_SUFFIX, unmount
from sandbox.programs import run_program


def find(cache: Path) -> list[str]:
    """Return a line for each thing that still exists."""
    found = []
    for lock in sorted(cache.glob(".*.lock")):
        with locked_if_free(lock) as is_free:
            if is_free:
                mounts = find_mounts(f"{_part_of(lock)}/")
                found += [f"process {number}" for number in _processes_in(mounts)]
                found += [f"mount {path}" for path in mounts]
                found += [f"loop device {name}" for name in _unmounted_loops(lock)]
    return found


def clear(cache: Path) -> None:
    """End and release all of it. May be repeated."""
    for lock in sorted(cache.glob(".*.lock")):
        with locked_if_free(lock) as is_free:
            if is_free:
                _clear(lock)


def find_mounts(*beginnings: str) -> list[str]:
    """Return the mount points whose paths begin so, the outer ones first."""
    points = [fields[4].replace("\\040", " ") for fields in _mounts()]
    return sorted(point for point in points if point.startswith(beginnings))


def _mounts() -> list[list[str]]:
    """Return the fields of each mount of this machine (proc_pid_mountinfo(5))."""
    return [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def _clear(lock: Path) -> None:
    mounts = find_mounts(f"{_part_of(lock)}/")
    for number in _processes_in(mounts):
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    for mount in reversed(mounts):
        unmount(Path(mount))
    if _part_of(lock).is_dir():
        shutil.rmtree(_part_of(lock))
    for name in _unmounted_loops(lock):
        run_program("losetup", "--detach", f"/dev/{name}")


def _part_of(lock: Path) -> Path:
    """Return the directory in which the layer of this lock is made."""
    return lock.with_suffix(".part")


def _processes_in(mounts: list[str]) -> list[int]:
    """Return the processes for which one of these mounts is the root: those that make a layer."""
    found = []
    for root in Path("/proc").glob("[0-9]*/root"):
        with suppress(OSError):  # it has ended in the meantime
            if str(root.readlink()) in mounts:
                found.append(int(root.parent.name))
    return sorted(found)


def _unmounted_loops(lock: Path) -> list[str]:
    """Return the devices of the layer's disk image that nothing is mounted from."""
    image = lock.with_name(f"{lock.name[1:].removesuffix('.lock')}{IMAGE_SUFFIX}")
    mounted = {fields[2] for fields in _mounts()}
    loops = disks.loops_below(image)
    return sorted(
        name for name in loops if (BLOCK_DEVICES / name / "dev").read_text().strip() not in mounted
    )
