"""Whether a host can be worked on at all: asked once after a boot, before anything is installed."""

from dataclasses import dataclass

from notebake.commands.disk_space import LIST_DISK_SPACE, DiskSpace, find_full, parse_disk_space
from notebake.commands.user_data import lease_is_armed

SUDO, CLOCK, SWITCH, ROOM = "sudo:", "clock:", "switch:", "room:"

# `exit` in the question about the switch ends the subshell in which it stands. sudo without a
# password must work without a terminal as well; what it lectures about goes to stderr, too.
PRINT_FITNESS = f"""\
refused=$(sudo --non-interactive true 2>&1) || echo "{SUDO} $(echo $refused)"
echo "{CLOCK} $(date --utc +%s)"
switch=$({lease_is_armed()} 2>&1) || echo "{SWITCH} $(echo $switch)"
{LIST_DISK_SPACE} | sed 's/^/{ROOM} /'
true"""
"""A command for the login user; each line says what it is about."""


@dataclass(frozen=True)
class Fitness:
    """What a host showed."""

    sudo_refusal: str = ""
    """What sudo said where it does not let the login user work as root."""
    switch_fault: str = ""
    """Why the dead-man switch is not armed."""
    clock_seconds: float | None = None
    """The host's seconds since 1970."""
    full: DiskSpace | None = None
    """A disk on which there is no room."""


def parse_fitness(printed: str) -> Fitness:
    """Return what `PRINT_FITNESS` printed."""
    about: dict[str, list[str]] = {}
    for line in printed.splitlines():
        kind, _, words = line.partition(" ")
        about.setdefault(kind, []).append(words)
    clock = about.get(CLOCK, [""])[0]
    return Fitness(
        sudo_refusal=" ".join(about.get(SUDO, [])),
        switch_fault=" ".join(about.get(SWITCH, [])),
        clock_seconds=float(clock) if clock.isdigit() else None,
        full=find_full(parse_disk_space("\n".join(about.get(ROOM, [])))),
    )
