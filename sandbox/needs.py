"""What the sandbox needs of this machine, and what to do where it is not there."""

import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sandbox import cgroups
from sandbox.errors import SandboxError
from sandbox.programs import run_program

PACKAGES = {
    "git": "git",
    "ip": "iproute2",
    "losetup": "mount",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "nsenter": "util-linux",
    "systemd-nspawn": "systemd-container",
}
LIBRARIES = ("moto", "flask", "flask_cors")
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_MKNOD": 27}
ELSEWHERE = "use a virtual machine with Debian or Ubuntu, or a privileged container"
ROOM_GIB = 4
# Not on the PATH of an ordinary person.
SYSTEM_PATHS = ("/usr/sbin", "/sbin")


def missing(home_path: Path) -> list[str]:
    """Return what is missing, one line each; nothing if a sandbox can live at this path."""
    lines = [f"cannot be had here: {reason}" for reason in _impossible(home_path)]
    if packages := missing_packages():
        lines.append(
            f"can be installed by apt-get: {' '.join(packages)} (python -m sandbox install)"
        )
    if libraries := [name for name in LIBRARIES if not importlib.util.find_spec(name)]:
        lines.append(f"can be installed by pip: {' '.join(libraries)} (the extra `sandbox`)")
    return lines


def missing_packages() -> list[str]:
    """Return the distribution's packages that have to be installed."""
    return sorted(package for tool, package in PACKAGES.items() if not _find_tool(tool))


def install() -> None:
    """Install them, from the machine's own sources. Needs root."""
    os.environ.update({"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "a"})
    options = ("--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300")
    said = ""
    if packages := missing_packages():
        run_program("apt-get", "update", timeout_seconds=600)
        try:
            run_program("apt-get", "install", *options, *packages, timeout_seconds=1800)
        except SandboxError as error:
            # Without systemd as PID 1 some packages complain at their end, and work all the same.
            said = str(error)
    if left := missing_packages():
        raise SandboxError(f"Still missing after apt-get: {' '.join(left)}\n{said}")


def _impossible(home_path: Path) -> Iterator[str]:
    if platform.system() != "Linux":
        yield f"this is {platform.system()}, and the hosts are Linux: {ELSEWHERE}"
        return
    if not shutil.which("apt-get"):
        yield f"this distribution has no apt-get, from which the hosts are made: {ELSEWHERE}"
    if not Path("/dev/loop-control").exists():
        yield f"no loop devices, which volumes are made of: {ELSEWHERE} (or: modprobe loop)"
    if not cgroups.hierarchies():
        yield f"no control groups below {cgroups.ROOT}: {ELSEWHERE}"
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            yield "you are not root, and there is no sudo: become root first"
        return
    if lacking := _lacking_capabilities():
        yield f"root here lacks {' and '.join(lacking)} (an ordinary container?): {ELSEWHERE}"
        return
    yield from _refused_trials(home_path)


def _lacking_capabilities() -> list[str]:
    status = Path("/proc/self/status").read_text()
    mask = int(
        next(line for line in status.splitlines() if line.startswith("CapEff")).split()[1], 16
    )
    return [name for name, bit in CAPABILITIES.items() if not mask >> bit & 1]


def _refused_trials(home_path: Path) -> Iterator[str]:
    """Try, where the sandbox would live, what no file tells beforehand."""
    place = next(path for path in [home_path, *home_path.parents] if path.is_dir())
    if shutil.disk_usage(place).free < ROOM_GIB * 1024**3:
        yield f"less than {ROOM_GIB} GiB are free below {place}: make room, or choose another home"
    with tempfile.TemporaryDirectory(dir=place) as folder:
        names = {name: Path(folder) / name for name in ("lower", "upper", "work", "root")}
        for path in names.values():
            path.mkdir()
        options = f"lowerdir={names['lower']},upperdir={names['upper']},workdir={names['work']}"
        try:
            run_program("mount", "-t", "overlay", "overlay", "-o", options, names["root"])
            run_program("umount", names["root"])
        except SandboxError as error:
            yield f"overlay mounts below {place}: choose another home, or {ELSEWHERE} ({error})"
    if _find_tool("nft"):
        try:
            run_program("nft", "list", "tables")
        except SandboxError as error:
            yield f"nftables: {ELSEWHERE} ({error})"


def _find_tool(name: str) -> str | None:
    return shutil.which(name, path=":".join([os.environ.get("PATH", ""), *SYSTEM_PATHS]))
