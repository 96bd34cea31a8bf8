"""The twists: what their machines are like, and how the sandbox makes them so.

A script in `scripts/` changes files in a layer above the base system. That is a property of the
image, and of every image baked from it. `Conditions` are properties of a machine. The sandbox
imposes them on each machine whose image descends from a twist: EC2 lazily loads every disk that
comes from a snapshot, and a machine in a closed network stays in it.
"""

from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"
MIB = 1024**2


@dataclass(frozen=True)
class Conditions:
    """What the sandbox imposes on a machine from outside."""

    root_mib: int | None = None
    """The space for writing to its root; None stands for all space of this computer."""
    read_bytes_per_second: int | None = None
    """How fast files of the image are read; files that the machine writes are not slowed."""
    upgrade_seconds: float = 0
    """How long it holds apt's locks after its first boot, at least."""
    blocks_egress: bool = False
    """Whether outbound packets are dropped, except metadata and DNS, which EC2 itself answers."""
    environment: tuple[str, ...] = ()
    """Variables (NAME=value) of its first process."""


ORDINARY = Conditions()


@dataclass(frozen=True)
class Twist:
    """A kind of machine."""

    name: str
    description: str
    packages: tuple[str, ...] = ()
    conditions: Conditions = ORDINARY

    @property
    def script(self) -> str:
        """The shell script that changes files of the base system; may be empty."""
        file = SCRIPTS / f"{self.name}.sh"
        return file.read_text() if file.exists() else ""

    @property
    def parameter(self) -> str:
        """The SSM parameter with its image's id, for `base_image.ssm_parameter`."""
        return f"/sandbox/base/{self.name}"


TWISTS = (
    Twist("chatty-shell", "every shell prints a greeting, also for a single command"),
    Twist("max-sessions-1", "sshd allows one channel for each connection"),
    Twist("no-forwarding", "sshd forwards no ports"),
    Twist("run-noexec", "the file system of /run is mounted noexec"),
    Twist("tmp-noexec", "a file system of its own, mounted noexec, is on /tmp"),
    Twist("umask-077", "new files are private to their owner"),
    Twist("sudo-lecture", "sudo prints a lecture each time"),
    Twist("nofile-low", "a process may open 256 files"),
    Twist(
        "full-disk", "the root disk has 250 MiB of free space", conditions=Conditions(root_mib=250)
    ),
    Twist(
        "slow-disk",
        "files of the image are read at 8 MiB/s",
        conditions=Conditions(read_bytes_per_second=8 * MIB),
    ),
    Twist(
        "apt-busy",
        "an upgrade holds apt's locks for a minute after each first boot",
        conditions=Conditions(upgrade_seconds=60),
    ),
    Twist(
        "no-egress",
        "outbound packets are dropped, except those for DNS and metadata",
        conditions=Conditions(blocks_egress=True),
    ),
    Twist("zsh-login", "the login user's shell is zsh", packages=("zsh",)),
    Twist(
        "old-clock",
        "its clock is an hour behind",
        packages=("libfaketime",),
        # systemd does not start with a clock that differs from the kernel's.
        conditions=Conditions(
            environment=("FAKETIME_SKIP_CMDS=systemd", "FAKETIME_DONT_FAKE_MONOTONIC=1")
        ),
    ),
)

BY_NAME = {twist.name: twist for twist in TWISTS}


def conditions_of(name: str | None) -> Conditions:
    """Return the conditions of the twist of this name, or those of an ordinary machine."""
    return BY_NAME[name].conditions if name in BY_NAME else ORDINARY
