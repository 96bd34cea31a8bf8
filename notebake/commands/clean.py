"""Root's scripts that make a machine fit to become an image.

`scan_and_clean` searches for credentials, removes all personal files but the login, and searches
again. `remove_login` removes the login; then only EC2 can stop the machine. cloud-init's state is
removed first: if a script is killed, a stop and start of the machine lets cloud-init install the
key again.
Each script may be repeated after a kill at any point, and prints its last line only when complete.
"""

from collections.abc import Sequence
from functools import partial
from shlex import quote

from notebake.commands.clean_files import (
    CLEAN_CLOUD_INIT,
    CLEAN_PACKAGE_CACHES,
    HEADER,
    REMOVE_ALL_LOGINS,
    REMOVE_CHECKPOINTS,
    REMOVE_OTHER_LOGINS,
    REMOVE_TEMPORARY_FILES,
    STOP_PACKAGE_JOBS,
    WIPE_LEFTOVERS,
)
from notebake.commands.clean_identity import (
    DETACH_UBUNTU_PRO,
    EMPTY_MACHINE_ID,
    REMOVE_IDENTITY,
)
from notebake.commands.clean_logs import EMPTY_LOGS, LOGS_ARE_EMPTY
from notebake.commands.copy_on_write import REMOVE_VIEWS
from notebake.commands.credential_scan import download_engine, scan_machine
from notebake.commands.shell import array, fail, home_of, script, write_file

CLEANED = "notebake: cleaned"
LOGIN_REMOVED = "notebake: nobody can log in any more"
SCANNER_PATH = "/run/notebake/credentials.pyz"
FOUND_EXIT_CODE = 10
"""Exit code of the first scan when it has found credentials."""
STATE_DIRECTORY = "/var/lib/notebake"
"""Exists only on machines that notebake built; no other machine is ever cleaned."""


def work_name(digest: str = "*") -> str:
    """Return the cleaning's name among a host's detached work; without a digest, a glob pattern."""
    return f"clean-{digest}"


def scan_and_clean(
    *,
    program: str,
    user: str,
    units: Sequence[str] = (),
    mount_points: Sequence[str] = (),
    only_searched: Sequence[str] = (),
    allowed: Sequence[tuple[str, str]] = (),
) -> str:
    """Return root's script that scans, cleans and scans again; its last line is a report.

    The first scan finds what people typed, in histories that the cleaning removes. If it finds
    anything, its report is the last line and the machine stays as it is. If the engine cannot be
    downloaded, ENGINE_UNAVAILABLE is the last line. `program` is the scanner in base64 from
    `machines/credential_search.py`, `allowed` are pairs of path and rule. On disks mounted at
    `only_searched` nothing is removed.
    """
    scan = partial(
        scan_machine,
        scanner_path=SCANNER_PATH,
        user=user,
        mount_points=[*mount_points, *only_searched],
        allowed=allowed,
    )
    return script(
        download_engine(),
        write_file(f"{SCANNER_PATH}.base64", program, mode="0600"),
        f"base64 --decode {SCANNER_PATH}.base64 > {SCANNER_PATH}",
        f"set +e; (\n{scan(before_cleaning=True, code_if_found=FOUND_EXIT_CODE)}\n)",
        "code=$?; set -e",
        f'[ "$code" -ne {FOUND_EXIT_CODE} ] || exit 0',
        '[ "$code" -eq 0 ] || exit "$code"',
        # So that the first report is not the last line, however the script ends from here on.
        "echo 'notebake: searched before the cleaning'",
        f"(\n{clean_machine(user=user, units=units, mount_points=mount_points)}\n)",
        f"(\n{scan()}\n)",
    )


def clean_machine(
    *,
    user: str,
    units: Sequence[str] = (),
    mount_points: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> str:
    """Return root's script that removes all personal files but the login.

    It stops `units` first, removes notebook checkpoints also from `mount_points`, and keeps the
    paths in `keep`, which lie below /tmp or /var/tmp.
    """
    return script(
        _header(user),
        array("keeping", [word for path in keep for word in _not_below(path)]),
        array("places", mount_points),
        STOP_PACKAGE_JOBS,
        *(f"systemctl stop -- {quote(unit)}" for unit in units),
        CLEAN_CLOUD_INIT,
        DETACH_UBUNTU_PRO,
        CLEAN_PACKAGE_CACHES,
        REMOVE_OTHER_LOGINS,
        REMOVE_CHECKPOINTS,
        WIPE_LEFTOVERS,
        REMOVE_VIEWS,
        REMOVE_IDENTITY,
        REMOVE_TEMPORARY_FILES,
        EMPTY_LOGS,
        f"sync; echo {quote(CLEANED)}",
    )


def remove_login(*, user: str, also: Sequence[str] = ()) -> str:
    """Return root's script that removes the last login; the machine must then be stopped by EC2.

    It fails unless all host keys and authorized keys are gone. `also` are files that must work
    until then but must not be in the image, such as the units of a dead-man switch: removing the
    files does not disarm them.
    """
    return script(
        _header(user),
        array("also", also),
        LOGS_ARE_EMPTY,
        EMPTY_MACHINE_ID,
        'wipe "${also[@]}"',
        REMOVE_ALL_LOGINS,
        f"echo {quote(LOGIN_REMOVED)}",
    )


def _header(user: str) -> str:
    """Fail on a machine that notebake did not build, then define `homes`, `wipe`, `login_home`."""
    return "\n".join(
        (
            f'[ "$(id --user)" = 0 ] || {fail("only root can clean a machine")}',
            f"[ -d {STATE_DIRECTORY} ] || {fail('this machine was not built by notebake')}",
            f"getent passwd {quote(user)} >/dev/null || {fail(f'there is no user {user}')}",
            HEADER,
            f"login_home={home_of(user)}",
        )
    )


def _not_below(path: str) -> tuple[str, ...]:
    """Return find's arguments for "neither this path nor anything below it"."""
    return ("!", "-path", path, "!", "-path", f"{path.rstrip('/')}/*")
