"""What the sandbox needs of this machine, and what to do where that is missing."""

import importlib.util
import os
import platform
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.hosts import cgroups, network
from sandbox.hosts.roots import mount_overlay
from sandbox.programs import COMMAND, run_program

PACKAGES = {
    "git": "git",
    "ip": "iproute2",
    "make": "make",
    "losetup": "mount",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "systemd-nspawn": "systemd-container",
}
LIBRARIES = ("moto", "flask", "flask_cors")
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_MKNOD": 27}
ALTERNATIVES = (
    "Use a virtual machine with Debian or Ubuntu, or a privileged container. Without the sandbox "
    "the flows still run against AWS itself, and the tests that need no hosts still pass."
)
ROOM_GIB = 4
# Not on the PATH of an ordinary user.
SYSTEM_PATHS = ("/usr/sbin", "/sbin")


def check(home_path: Path) -> None:
    """Raise SandboxError with all that is missing for a sandbox at this path."""
    if reasons := find_obstacles(home_path):
        raise SandboxError(explain(reasons))
    if packages := missing_packages():
        raise SandboxError(f"Missing: {' '.join(packages)} ({COMMAND} install)")
    if libraries := [name for name in LIBRARIES if not importlib.util.find_spec(name)]:
        lacking = f"{sys.executable} lacks {' '.join(libraries)}"
        raise SandboxError(f"{lacking}: install the project with its extra `sandbox`")


def missing_packages() -> list[str]:
    """Return the distribution's packages that have to be installed."""
    packages = {package for tool, package in PACKAGES.items() if not _find_tool(tool)}
    ensurepip = importlib.util.find_spec("ensurepip")  # not in Debian's package python3
    if not (ensurepip and ensurepip.origin):
        packages.add(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    return sorted(packages)


def install(report: Callable[[str], None]) -> None:
    """Install the missing packages from this machine's sources. Needs root."""
    packages = missing_packages()
    report(f"Installing {' '.join(packages)} with apt-get")
    os.environ.update({"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "a"})
    options = ("--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300")
    problem = "it reported no error"
    for words in (("update",), ("install", *options, *packages)):
        try:
            run_program("apt-get", *words, timeout_seconds=1800)
        except SandboxError as error:
            # An unrelated source may be unreachable, and some packages complain where systemd is
            # not PID 1. What counts is which packages are missing afterwards.
            problem = str(error).splitlines()[-1]
    importlib.invalidate_caches()
    if left := missing_packages():
        lacking = f"apt-get could not install {' '.join(left)} ({problem})"
        raise SandboxError(explain([lacking]))


def explain(reasons: list[str]) -> str:
    """Return a paragraph about why no sandbox can run here, and what to do instead."""
    text = f"The sandbox cannot run on this machine: {'; '.join(reasons)}. {ALTERNATIVES}"
    return textwrap.fill(text, 88, break_on_hyphens=False, break_long_words=False)


def find_obstacles(home_path: Path) -> list[str]:
    """Return why no sandbox can run at this path, whatever is installed; empty if it can."""
    if sys.platform != "linux":
        return [f"this is {platform.system()}, and its hosts are Linux"]
    reasons = []
    if not shutil.which("apt-get"):
        reasons.append("there is no apt-get, with which its hosts are built")
    if not Path("/dev/loop-control").exists():
        reasons.append("there are no loop devices for volumes (try: modprobe loop)")
    if not cgroups.hierarchies():
        reasons.append(f"there are no control groups below {cgroups.ROOT}")
    if resolvers := network.unreachable_resolvers():
        reasons.append(
            f"its hosts would know no names, as they cannot reach {' or '.join(resolvers)}, where"
            f" this machine looks names up (write nameserver and the IPv4 address of another"
            f" resolver into {network.HOST_RESOLVERS[-1]})"
        )
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            reasons.append("you are not root, and there is no sudo")
        return reasons
    if lacking := _lacking_capabilities():
        return [*reasons, f"root here lacks {' and '.join(lacking)} (an ordinary container?)"]
    if Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]:
        return [*reasons, "root here is root of a user namespace only (a rootless container?)"]
    return [*reasons, *_failed_trials(home_path)]


def _lacking_capabilities() -> list[str]:
    status = Path("/proc/self/status").read_text()
    mask = int(
        next(line for line in status.splitlines() if line.startswith("CapEff")).split()[1], 16
    )
    return [name for name, bit in CAPABILITIES.items() if not mask >> bit & 1]


def _failed_trials(home_path: Path) -> Iterator[str]:
    """Return the failures of trials in the directory of the sandbox."""
    place = next(path for path in [home_path, *home_path.parents] if path.is_dir())
    if shutil.disk_usage(place).free < ROOM_GIB * 1024**3:
        yield f"less than {ROOM_GIB} GiB are free below {place}"
    with tempfile.TemporaryDirectory(dir=place) as folder:
        for name in ("lower", "upper", "work", "root"):
            (Path(folder) / name).mkdir()
        try:
            run_program("umount", mount_overlay(Path(folder), f"{folder}/lower"))
        except SandboxError as error:
            yield f"overlays cannot be mounted below {place} (try another --home): {error}"
    if _find_tool("nft"):
        try:
            run_program("nft", "list", "tables")
        except SandboxError as error:
            yield f"nftables cannot be used: {error}"


def _find_tool(name: str) -> str | None:
    return shutil.which(name, path=":".join([os.environ.get("PATH", ""), *SYSTEM_PATHS]))
