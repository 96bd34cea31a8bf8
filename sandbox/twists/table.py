"""Each twist by its name: what its machines are like, and how the sandbox makes them so.

What a script of `scripts/` changes lies in a layer of files upon the base system: it is a property
of the image, and every image that is baked of one has it too. What `Nature` says is a property of
the machine. The sandbox gives it to each machine whose image descends from a twisted one: EC2 reads
any disk lazily that was made from a snapshot, and who comes from a closed network stays in it.
"""

from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"
MIB = 1024**2


@dataclass(frozen=True)
class Nature:
    """What the sandbox does to a machine from outside."""

    root_mib: int | None = None
    """How much can be written to its root; None: as much as this computer has."""
    read_bytes_per_second: int | None = None
    """How fast what its image holds is read; what it writes itself is not slowed."""
    upgrade_seconds: float = 0
    """For how long at least it holds apt's locks after its first boot."""
    is_enclosed: bool = False
    """Whether what it sends out is lost, but for what EC2 itself answers: metadata and names."""
    environment: tuple[str, ...] = ()
    """NAME=value for its first process."""


ORDINARY = Nature()


@dataclass(frozen=True)
class Twist:
    """One kind of machine."""

    name: str
    machine: str
    """What the machine is like, in a few words."""
    packages: tuple[str, ...] = ()
    nature: Nature = ORDINARY

    @property
    def script(self) -> str:
        """The shell script that changes the files of the base system; may be empty."""
        file = SCRIPTS / f"{self.name}.sh"
        return file.read_text() if file.exists() else ""

    @property
    def parameter(self) -> str:
        """Name of the SSM parameter that holds its image's id, for `base_image.ssm_parameter`."""
        return f"/sandbox/base/{self.name}"


TWISTS = (
    Twist("chatty-shell", "every shell greets, also one that only runs a command"),
    Twist("max-sessions-1", "sshd lets each connection have one channel"),
    Twist("no-forwarding", "sshd forwards no ports"),
    Twist("run-noexec", "nothing is executed from /run"),
    Twist("tmp-noexec", "nothing is executed from /tmp, a file system of its own"),
    Twist("umask-077", "what anybody writes is his alone"),
    Twist("sudo-lecture", "sudo prints a lecture each time"),
    Twist("nofile-low", "a process may open 256 files"),
    Twist("full-disk", "the root disk has 250 MiB to write", nature=Nature(root_mib=250)),
    Twist(
        "slow-disk",
        "what the image holds is read at 8 MiB/s",
        nature=Nature(read_bytes_per_second=8 * MIB),
    ),
    Twist(
        "apt-busy",
        "an upgrade holds apt's locks for a minute after each first boot",
        nature=Nature(upgrade_seconds=60),
    ),
    Twist(
        "no-egress",
        "what the machine sends out is lost, but for questions to names and metadata",
        nature=Nature(is_enclosed=True),
    ),
    Twist("zsh-login", "the login user's shell is zsh", packages=("zsh",)),
    Twist(
        "old-clock",
        "its clock is an hour behind",
        packages=("libfaketime",),
        # The first process does not start with a clock that is not the kernel's.
        nature=Nature(environment=("FAKETIME_SKIP_CMDS=systemd", "FAKETIME_DONT_FAKE_MONOTONIC=1")),
    ),
)

BY_NAME = {twist.name: twist for twist in TWISTS}


def nature_of(name: str | None) -> Nature:
    """Return the nature of the twist of this name; that of an ordinary machine without one."""
    return BY_NAME[name].nature if name in BY_NAME else ORDINARY
