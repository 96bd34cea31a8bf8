"""The words that the shell texts share: headers, root, another user, whole files."""

from pathlib import PurePosixPath
from shlex import quote

NETWORK_ENVIRONMENT = "set -a; [ ! -r /etc/environment ] || . /etc/environment; set +a"
"""Proxy and certificate settings: login shells have them from PAM, systemd's units do not."""


OPEN_FILE_LIMITS = "8192:524288"
"""How many files our own services may open, as soft and hard limit: a hardened base may allow fewer
than a package manager or a notebook needs. The hard one is systemd's own (systemd-system.conf)."""


def script(*commands: str) -> str:
    """Return a script that ends at the first command that fails.

    What it makes may be read by everybody unless it says otherwise, whatever umask a hardened base
    gives to its logins: the image's people are others than its builders.
    """
    return "\n".join(("set -euo pipefail", "umask 022", *commands)) + "\n"


def variables(**values: str | int) -> str:
    """Return assignments, so that a fixed text can use values that are not known before."""
    return "\n".join(f"{name}={quote(str(value))}" for name, value in values.items())


def as_root(*commands: str) -> str:
    """Return one command with which the login user runs all of these as root."""
    return f"sudo bash -c {quote(script(*commands))}"


def as_user(user: str, *commands: str) -> str:
    """Return one command with which root runs all of these as a user, in the user's home.

    setpriv keeps the environment, so that proxy and certificate settings reach the user's work, and
    unlike runuser it asks no PAM, which would lower the limits of open files (pam_limits).
    """
    home = f'"$(getent passwd {quote(user)} | cut --delimiter=: --fields=6)"'
    login = f"env --chdir={home} HOME={home} USER={quote(user)} LOGNAME={quote(user)}"
    ids = f'--reuid={quote(user)} --regid="$(id --group {quote(user)})" --init-groups'
    return f"setpriv {ids} -- {login} bash -c {quote(script(*commands))}"


def write_file(path: str, content: str, *, mode: str = "0644", owner: str = "root") -> str:
    """Return commands with which root writes a whole file at once, by rename.

    The file has its mode and owner before it has its content, and its name last.
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
    """Return a command that ends the script with a message; `$` in it is the shell's."""
    escaped = message.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    return f'{{ echo "notebake: {escaped}" >&2; exit 1; }}'
