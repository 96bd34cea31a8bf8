"""What a machine from a new image is asked in its shell: all of it in one command."""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from notebake.commands.boot import paths_are_mounted, read_machine_id
from notebake.commands.fitness import LIST_LOGIN_METHODS, parse_login_methods
from notebake.commands.idle_units import idle_stop_is_enabled
from notebake.commands.lease_timer import lease_is_armed
from notebake.commands.shell import home_of, script, variables


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
    """Return the command that succeeds if the user's key is the only one that any account accepts.

    sshd looks for keys in both files (sshd_config(5), AuthorizedKeysFile).
    """
    text = script(variables(refusal=REFUSAL), f"login_home={home_of(user)}", COUNT_KEYS)
    return f"sudo bash -c {quote(text)}"


REFUSAL = (
    "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,"
    "command=\"echo 'Please login as the user"
)
"""How cloud-init has root refuse the key of the login user (cloudinit/ssh_util.py,
DISABLE_USER_OPTS)."""
COUNT_KEYS = r"""
export LC_ALL=C login_home refusal
keys=$(
    getent passwd | cut --delimiter=: --fields=6 | sort --unique | while IFS= read -r home; do
        for file in "$home"/.ssh/authorized_keys{,2}; do
            [ ! -e "$file" ] || awk -v OFS='\t' -v file="${file//\\/\\\\}" \
                '!/^[ \t\r]*(#|$)/ { print file, $0 }' < "$file" || exit
        done
    done
)
refused=$(awk -F '\t' '
    BEGIN { own = ENVIRON["login_home"] "/.ssh/authorized_keys"; key = "no key" }
    !NF { next }
    { line = substr($0, length($1) + 2) }
    $1 == own || $1 == own "2" {
        count[$1]++
        accepted++
        if (match(line, "AAAA[A-Za-z0-9+/=]*")) key = substr(line, RSTART, RLENGTH)
        next
    }
    { others[++total] = line; files[total] = $1 }
    END {
        for (each = 1; each <= total; each++) {
            if (index(others[each], ENVIRON["refusal"]) == 1 &&
                index(others[each] " ", " " key " ")) continue
            count[files[each]]++
            accepted++
        }
        if (accepted == 1 && count[own] + count[own "2"] == 1) exit
        shown = ""
        for (file in count) if (count[file]) shown = shown ", " count[file] " in " file
        print shown ? substr(shown, 3) : "none"
    }' <<< "$keys")
[ -z "$refused" ] || {
    echo "the machine does not accept exactly one login key, but: $refused" >&2
    exit 1
}
"""
