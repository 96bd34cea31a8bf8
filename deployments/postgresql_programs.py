"""PostgreSQL's programs, and as whom they run: root's cluster belongs to another user.

python -m deployments.postgresql_programs    # fails if there are none
"""

import os
import pwd
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from notebake.errors import NotebakeError
from notebake.local.home import home

SYSTEM_USER = "postgres"
"""Whom the distribution's package makes. PostgreSQL refuses to run as root."""
INSTALLED = Path("/usr/lib/postgresql")
HINT_TO_INSTALL = "Install it: make postgresql"
MOUNTED = Path("/mnt")
"""Where the cluster of root finds its files, in a mount namespace of its own: its user may not
enter the directories above root's files."""
IN_NAMESPACE = ("unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-ec")
MOUNT = f'mount --bind "$0" {MOUNTED}; cd {MOUNTED}; exec "$@"'
UNPRIVILEGED = (
    *("setpriv", "--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--init-groups"),
    *("--inh-caps=-all", "--no-new-privs", "--"),
)


def directory() -> Path:
    """Return the directory of the cluster: its data and its socket."""
    return home() / "postgresql"


def find_programs() -> Path:
    """Return the directory of PostgreSQL's programs: of the cluster's version, or the newest.

    Raises:
        NotebakeError: there is none.
    """
    found = {path.parents[1].name: path.parent for path in INSTALLED.glob("*/bin/postgres")}
    with suppress(OSError):
        version = (directory() / "data" / "PG_VERSION").read_text().strip()
        if version in found:
            return found[version]
        raise NotebakeError(
            f"The cluster in {directory()} is of PostgreSQL {version}, which is not installed.",
            f"Install it: apt-get install postgresql-{version}\n"
            f"Or give up what Prefect has shown so far: rm -r {directory()}",
        )
    if not found:
        raise NotebakeError(f"There is no PostgreSQL in {INSTALLED}.", HINT_TO_INSTALL)
    return found[max(found, key=float)]


def as_server(command: list[str]) -> list[str]:
    """Return the command as it runs for the cluster's user, and where that user finds its files."""
    if not is_root():
        return command
    system_user()
    return [*IN_NAMESPACE, MOUNT, str(directory()), *UNPRIVILEGED, *command]


def seen_by_server(path: Path) -> str:
    """Return the path of a file of the cluster as the commands of `as_server` see it."""
    return str(MOUNTED / path.relative_to(directory()) if is_root() else path)


def is_root() -> bool:
    """Return whether this process is root's, as whom PostgreSQL does not run."""
    return os.geteuid() == 0


def system_user() -> pwd.struct_passwd:
    """Return the user as whom root runs the cluster; raise NotebakeError if there is none."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise NotebakeError(f"There is no user {SYSTEM_USER}.", HINT_TO_INSTALL) from None


def run_program(command: list[str]) -> str:
    """Run one of PostgreSQL's programs, and return its output; raise NotebakeError if it fails."""
    done = subprocess.run(
        command,
        env=program_variables(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        output = f"{done.stdout}{done.stderr}".strip()
        raise NotebakeError(f"`{' '.join(command)}` failed: {output}")
    return done.stdout.strip()


def program_variables() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs, which the user's settings do not reach."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}


if __name__ == "__main__":
    try:
        find_programs()
    except NotebakeError as error:
        sys.exit(str(error))
