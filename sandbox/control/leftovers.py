"""What a sandbox uses of this machine, read from the kernel instead of any record.

The cache is searched, too: a sandbox that was killed may have left something there.
"""

import shutil
from pathlib import Path

from sandbox.control import cache_leftovers
from sandbox.home import Home
from sandbox.hosts import cgroups, disks, firewall, network
from sandbox.hosts.base_system import cache_path
from sandbox.hosts.nspawn import NSPAWN
from sandbox.programs import run_program


def find(home: Home) -> list[str]:
    """Return a line for each thing that still exists."""
    return [
        *(f"process {number}" for number in sorted(cgroups.process_ids(_groups(home)))),
        *(f"control group {path}" for path in _groups(home)),
        *(f"network namespace {name}" for name in network.namespaces(home)),
        *(f"network link {name}" for name in _links(home)),
        *([f"nftables table {home.name}"] if firewall.is_up(home) else []),
        *(f"mount {path}" for path in _mounts(home)),
        *(f"loop device {name}" for name in disks.loops_below(home.path)),
        *(f"directory {path}" for path in _folders(home)),
        *cache_leftovers.find(cache_path()),
    ]


def clear(home: Home) -> None:
    """End every host of the sandbox and release all that it uses. May be repeated, in any state.

    Images and snapshots stay: they are files that no process uses.
    """
    cgroups.end_groups(cgroups.groups_of(home))
    network.down(home)
    for mount in reversed(_mounts(home)):
        run_program("umount", mount)
    for file in set(disks.loops_below(home.path).values()):
        disks.detach_loops(file)
    for folder in _folders(home):
        shutil.rmtree(folder)
    cache_leftovers.clear(cache_path())
    for volume in (home.path / "volumes").glob("*.img"):
        volume.unlink()


def _groups(home: Home) -> list[Path]:
    return [group for group in cgroups.groups_of(home) if group.exists()]


def _links(home: Home) -> list[str]:
    bridge = [home.bridge] if Path(f"/sys/class/net/{home.bridge}").exists() else []
    return [*bridge, *network.veths(home)]


def _mounts(home: Home) -> list[str]:
    """Return the mount points of the sandbox, the outer ones first."""
    exported = str(NSPAWN / "unix-export" / f"{home.name}-")
    return cache_leftovers.find_mounts(f"{home.path}/", exported)


def _folders(home: Home) -> list[Path]:
    """Return the directories that machines and nspawn leave behind."""
    nspawn = [*NSPAWN.glob(f"propagate/{home.name}-*"), *NSPAWN.glob(f"unix-export/{home.name}-*")]
    return sorted([*nspawn, *home.machines_path.glob("*")])
