"""Checks of a booted host: whether it can be worked on, and in which ways people can log in."""

import re
from dataclasses import dataclass

from notebake.commands.disk_space import LIST_DISK_SPACE, DiskSpace, find_full, parse_disk_space
from notebake.commands.lease_timer import lease_is_armed

SUDO, CLOCK, SWITCH, ROOM = "sudo:", "clock:", "switch:", "room:"

# `lease_is_armed` uses `exit`, which ends its own subshell only. sudo must work without a password
# and without a terminal; its lecture goes to stderr as well, so only the exit code counts.
PRINT_FITNESS = f"""\
refused=$(sudo --non-interactive true 2>&1) || echo "{SUDO} $(echo $refused)"
echo "{CLOCK} $(date --utc +%s)"
switch=$({lease_is_armed()} 2>&1) || echo "{SWITCH} $(echo $switch)"
{LIST_DISK_SPACE} | sed 's/^/{ROOM} /'
true"""
"""A command for the login user; the first word of each line names the check."""


@dataclass(frozen=True)
class Fitness:
    """The results of the checks on one host."""

    sudo_error: str = ""
    """What sudo printed, if it does not let the login user work as root."""
    switch_error: str = ""
    """Why the dead-man switch is not armed."""
    clock_seconds: float | None = None
    """The host's clock in Unix time."""
    full_disk: DiskSpace | None = None


def parse_fitness(printed: str) -> Fitness:
    """Return what `PRINT_FITNESS` printed."""
    lines: dict[str, list[str]] = {}
    for line in printed.splitlines():
        check, _, result = line.partition(" ")
        lines.setdefault(check, []).append(result)
    clock = lines.get(CLOCK, [""])[0]
    return Fitness(
        sudo_error=" ".join(lines.get(SUDO, [])),
        switch_error=" ".join(lines.get(SWITCH, [])),
        clock_seconds=float(clock) if clock.isdigit() else None,
        full_disk=find_full(parse_disk_space("\n".join(lines.get(ROOM, [])))),
    )


SSHD = "sshd:"
AGENT = "agent:"

# EC2 Instance Connect is a command from which sshd gets keys (AuthorizedKeysCommand); a certificate
# authority signs keys that are not on the machine. `sshd -T` prints the configuration of the files;
# Ubuntu's package ec2-instance-connect puts its command on the command line of ssh.service, as
# `SSHD_OPTS` may: systemd shows the first, and the running daemon both.
# Ubuntu installs the agent of AWS Systems Manager as a snap, other distributions as a package.
LIST_LOGIN_METHODS = f"""\
{{
    sudo sshd -T
    systemctl show --property=ExecStart --value ssh.service sshd.service
    for process in $(systemctl show --property=MainPID --value ssh.service sshd.service); do
        sudo cat "/proc/$process/cmdline" | tr '\\0' ' ' && echo
    done
}} 2> /dev/null |
    grep --only-matching --ignore-case --extended-regexp \\
        '(authorizedkeyscommand|trustedusercakeys)[ =]+[^ ";]+' |
    {{ grep --invert-match --ignore-case '[ =]none$' || true; }} | sed 's/^/{SSHD} /'
for unit in snap.amazon-ssm-agent.amazon-ssm-agent.service amazon-ssm-agent.service; do
    ! systemctl is-enabled --quiet "$unit" 2> /dev/null || echo "{AGENT} $unit"
done
true"""
"""A command for the login user that prints one method per line."""


def parse_login_methods(printed: str) -> tuple[str, ...]:
    """Return a sentence about each method that `LIST_LOGIN_METHODS` printed."""
    found = []
    for line in printed.splitlines():
        kind, _, setting = line.partition(" ")
        if kind == AGENT:
            found.append("the agent of AWS Systems Manager opens the sessions that IAM allows")
        elif kind == SSHD and "eic_" in setting:
            found.append("EC2 Instance Connect accepts the logins that IAM allows")
        elif kind == SSHD:
            name, value = re.split("[ =]+", setting, maxsplit=1)
            found.append(f"sshd accepts logins by its setting {name.lower()} {value}")
    return tuple(dict.fromkeys(found))
