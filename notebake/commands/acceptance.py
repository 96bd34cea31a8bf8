"""What a machine from a new image is asked in its shell: all of it in one command."""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from notebake.commands.boot import paths_are_mounted, read_machine_id
from notebake.commands.fitness import LIST_LOGIN_METHODS, parse_login_methods
from notebake.commands.idle_units import idle_stop_is_enabled
from notebake.commands.lease_timer import lease_is_armed


@dataclass(frozen=True)
class Inspection:
    """What `ask_machine` printed."""

    machine_id: str
    login_methods: tuple[str, ...]
    """As sentences."""


def ask_machine(*, user: str, mount_points: Sequence[str], more: Sequence[str] = ()) -> str:
    """Return the login user's command that fails at the first thing that is wrong, and names it.

    The paths must be mount points, the dead-man switch and the idle stop must work, and no login
    key but one may be left, and `more` commands must succeed. Then it prints the machine-id and
    other ways to log in.
    """
    checks = (
        paths_are_mounted([*mount_points]),
        *more,
        f"{lease_is_armed()} > /dev/null",
        idle_stop_is_enabled(),
        no_other_key_is_left(user),
    )
    return "\n".join(
        (
            *(f"{{\n{check}\n}} || exit 1" for check in checks),
            f"{read_machine_id()} && echo || exit 1",
            LIST_LOGIN_METHODS,
        )
    )


def parse_inspection(printed: str) -> Inspection:
    """Return what `ask_machine` printed."""
    machine_id, _, methods = printed.partition("\n")
    return Inspection(machine_id.strip(), parse_login_methods(methods))


def no_other_key_is_left(user: str) -> str:
    """Return the command that succeeds if root accepts no key, and the user just one."""
    home = quote(f"/home/{user}/.ssh/authorized_keys")
    return (
        f'{{ test "$(sudo grep --count ssh- {home})" = 1'
        " && ! sudo grep --quiet --extended-regexp '^(ssh|ecdsa)-' /root/.ssh/authorized_keys; }"
        " || { echo 'the machine does not accept exactly one login key' >&2; false; }"
    )
