"""A host in memory: power, cloud-init, the dead-man switch, and work that goes on by itself."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from notebake.commands.lease_timer import arm_lease
from tests.kills.scripted_disks import (
    RootDisk,
    VolumeDisk,
    new_host_key,
    new_machine_id,
    without_comment,
)
from tests.kills.virtual_clock import VirtualClock

BOOT_SECONDS = 3.0
"""From power to a host that answers over ssh."""
TOKEN = "0123456789abcdef"  # noqa: S105
"""Of every JupyterLab here: the stand-in behind the tunnels knows no other."""


@dataclass
class Work:
    """A script that systemd runs."""

    request_id: str
    ends_at: float
    effect: Callable[[], str]
    """Does what the script does, and returns what it prints."""
    result: str = ""
    log: bytes = b""


@dataclass
class Boot:
    """What lasts from power to power-off."""

    began: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    lease_until: float | None = None
    works: dict[str, Work] = field(default_factory=dict)
    mounted: dict[str, str] = field(default_factory=dict)
    jupyter_runs: bool = False


@dataclass(frozen=True)
class LaunchData:
    """What the metadata service tells a machine."""

    instance_id: str
    public_key: str
    user_data: str


class ScriptedHost:
    """One machine."""

    def __init__(self, machine_id: str, address: str, root: RootDisk, clock: VirtualClock) -> None:
        self.id, self.address, self.root, self.clock = machine_id, address, root, clock
        self.volumes: dict[str, VolumeDisk] = {}
        self.devices: dict[str, str] = {}
        """Volume id → the device name that EC2 was asked for."""
        self.boot: Boot | None = None
        self.lease_hours: float = 0

    @property
    def answers(self) -> bool:
        """Whether sshd runs."""
        boot, now = self.boot, self.clock.seconds
        return boot is not None and now >= boot.began + BOOT_SECONDS and bool(self.root.host_key)

    def power_on(self, launch: LaunchData, lease_hours: float) -> None:
        """Boot: cloud-init does what it does once, and what it does at every boot."""
        root, config = self.root, json.loads(launch.user_data.partition("\n")[2] or "{}")
        self.boot = Boot(self.clock.seconds)
        root.machine_id = root.machine_id or new_machine_id()
        if root.instance_seen != launch.instance_id:
            keys = config.get("ssh_keys")
            root.host_key, root.private_host_key = (
                (keys["ed25519_public"], keys["ed25519_private"]) if keys else new_host_key()
            )
            root.authorized.add(without_comment(launch.public_key))
            root.instance_seen = launch.instance_id
        commands = [command[-1] for command in config.get("bootcmd", [])]
        self.lease_hours = lease_hours if arm_lease(lease_hours) in commands else 0
        if self.lease_hours:
            self.renew_lease()
        self.mount_all()
        self.start_jupyter()

    def power_off(self) -> None:
        """Lose what is in memory, work that had not ended with it."""
        self.boot = None

    def renew_lease(self) -> None:
        """Let the dead-man switch wait anew."""
        assert self.boot
        self.boot.lease_until = self.clock.seconds + self.lease_hours * 3600

    @property
    def lease_is_over(self) -> bool:
        """Whether the dead-man switch powers it off."""
        until = self.boot.lease_until if self.boot else None
        return until is not None and self.clock.seconds >= until

    def mount_all(self) -> None:
        """Mount what fstab names and is attached; the rest is `nofail`."""
        assert self.boot
        there = {volume.file_system for volume in self.volumes.values()}
        found = {point: uuid for point, uuid in self.root.mounts.items() if uuid in there}
        self.boot.mounted = found

    def start_jupyter(self) -> None:
        """Start the service if it is installed; its token is made where there is none."""
        assert self.boot
        if self.root.jupyter_port:
            assert self.root.software, "JupyterLab without its software"
            self.root.token = self.root.token or TOKEN
            self.boot.jupyter_runs = True

    def start_work(
        self, name: str, request_id: str, seconds: float, effect: Callable[[], str]
    ) -> None:
        """Let systemd run a script; it goes on whether or not anybody asks."""
        assert self.boot
        self.boot.works[name] = Work(request_id, self.clock.seconds + seconds, effect)

    def go_on(self) -> bool:
        """Finish the work whose time is over; tell whether there was any."""
        works = self.boot.works.values() if self.boot else ()
        due = [work for work in works if not work.result and work.ends_at <= self.clock.seconds]
        for work in sorted(due, key=lambda work: work.ends_at):
            work.log = work.effect().encode()
            work.result = "success 0"
        return bool(due)
