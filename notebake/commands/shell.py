"""Building blocks of shell text: script headers, other users, whole files, home directories."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from shlex import quote

NETWORK_ENVIRONMENT = "set -a; [ ! -r /etc/environment ] || . /etc/environment; set +a"
"""Loads proxy and certificate settings: PAM sets them for login shells, not for systemd units."""
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
