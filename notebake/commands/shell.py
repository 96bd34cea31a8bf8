"""Building blocks of shell text: script headers, other users, whole files, home directories."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from shlex import quote

# What was read is held by `set`: a variable of this text could be one of the file's own. IFS would
# change our scripts, and no program reads it.
NETWORK_ENVIRONMENT = r"""
load_environment() {
    set -- ""
    while IFS= read -r || [ -n "$REPLY" ]; do
        set -- "$1$REPLY"
        if [[ $1 == *\\ && $1 != *#* ]]; then
            set -- "${1%?}"
            continue
        fi
        set -- "${1%%#*}"
        set -- "${1#"${1%%[! $'\t']*}"}"
        set -- "${1#export }"
        if [[ $1 == *=* && ${1%%=*} =~ ^[A-Za-z_][A-Za-z0-9_]*$ && ${1%%=*} != IFS ]]; then
            set -- "${1%%=*}" "${1#*=}"
            if [[ $2 == [\"\']* ]]; then
                set -- "$1" "${2#?}"
                set -- "$1" "${2%[\"\']}"
            fi
            # In a subshell first, as bash would end the script for a name that it keeps for itself.
            if (export "$1=$2") 2> /dev/null; then
                export "$1=$2"
            else
                echo "/etc/environment: $1 is left as it is" >&2
            fi
        fi
        set -- ""
    done
}
[ ! -r /etc/environment ] || load_environment < /etc/environment
"""
"""Loads proxy and certificate settings: PAM sets them for login shells, not for systemd units.

A line is read as pam_env reads it (pam_env(8), `_parse_env_file` of Linux-PAM 1.5), and nothing in
it is expanded: `#` begins a comment anywhere, `export ` is passed over, a value that begins with a
quotation mark loses it and one at its end, and a backslash at the end joins the next line.
"""
# find's own -ignore_readdir_race is not enough: it does not hold for a folder that vanishes before
# find has opened it, nor for one of its arguments (findutils 4.9).
FIND_PRESENT = r"""
find_present() {
    local errors left
    { errors=$(LC_ALL=C find "$@" 2>&1 >&3) && return; } 3>&1
    left=$(grep --invert-match --extended-regexp \
        ': (No such file or directory|Directory not empty)$' <<< "$errors" || true)
    [ -n "$errors" ] && [ -z "$left" ] || { echo "notebake: find $*: $errors" >&2; return 1; }
}
"""
"""Defines `find_present`, which is find on a running machine: it passes over folders that are not
there, that vanish while it looks, or that are no longer empty when it would delete them."""
MAKE_FOLDER = r"""
make_folder() {
    [ ! -d "$1" ] || return 0
    make_folder "$(dirname "$1")" "$2"
    install --directory --owner="$2" --group="$(id -g "$2")" "$1"
}
"""
"""Defines `make_folder`, which makes a folder, and those above it that are missing, for a user."""
OPEN_FILE_LIMITS = "8192:524288"
"""Soft and hard limit on open files for our services: a hardened base may allow fewer than package
managers and notebooks need. The hard limit is systemd's default (systemd-system.conf)."""


def script(*commands: str) -> str:
    """Return a script that ends at the first command that fails.

    Its files are readable by all users unless it says otherwise, whatever umask a hardened base
    sets: the users of the image are not its builders.
    """
    return "\n".join(("set -euo pipefail", "umask 022", *commands)) + "\n"


def variables(**values: str | int) -> str:
    """Return assignments that give a fixed shell text its values."""
    return "\n".join(f"{name}={quote(str(value))}" for name, value in values.items())


def array(name: str, words: Sequence[str]) -> str:
    """Return the assignment of a bash array."""
    return f"{name}=({' '.join(map(quote, words))})"


def home_of(user: str) -> str:
    """Return a shell expression for a user's home directory."""
    return f'"$(getent passwd {quote(user)} | cut --delimiter=: --fields=6)"'


def as_root(*commands: str) -> str:
    """Return one command with which the login user runs these commands as root."""
    return f"sudo bash -c {quote(script(*commands))}"


def as_user(user: str, *commands: str) -> str:
    """Return one command with which root runs these commands as a user, in the user's home.

    setpriv keeps the environment, and with it the proxy and certificate settings. Unlike runuser,
    it does not go through PAM, which would lower the limit on open files (pam_limits).
    """
    home = home_of(user)
    login = f"env --chdir={home} HOME={home} USER={quote(user)} LOGNAME={quote(user)}"
    ids = f'--reuid={quote(user)} --regid="$(id --group {quote(user)})" --init-groups'
    return f"setpriv {ids} -- {login} bash -c {quote(script(*commands))}"


def write_file(path: str, content: str, *, mode: str = "0644", owner: str = "root") -> str:
    """Return commands with which root writes a whole file atomically, by rename.

    Mode and owner are set before the content is written.
    """
    new = quote(f"{path}.new")
    return "\n".join(
        (
            f"mkdir --parents {quote(str(PurePosixPath(path).parent))}",
            f"install --mode={quote(mode)} --owner={quote(owner)} /dev/null {new}",
            f"printf %s {quote(content)} > {new}",
            f"mv --force --no-target-directory {new} {quote(path)}",
        )
    )


def fail(message: str) -> str:
    """Return a command that ends the script with a message, in which the shell expands `$`."""
    escaped = message.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    return f'{{ echo "notebake: {escaped}" >&2; exit 1; }}'
