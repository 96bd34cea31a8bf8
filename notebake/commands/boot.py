"""Commands for a host that has just booted."""

from shlex import quote

BOOT_FINISHED_FILE = "/run/notebake/booted"
"""Exists once cloud-init has finished; /run is empty again after the next boot."""
STILL_BOOTING = 75
"""Exit code of `wait_for_cloud_init` when cloud-init is still at work (EX_TEMPFAIL, sysexits.h)."""
STATUS_TIMEOUT_SECONDS = 15
"""How long one `cloud-init status --wait` may take."""


def wait_for_cloud_init() -> str:
    """Return the command that succeeds once cloud-init has finished, and prints its error if any.

    If cloud-init is still at work after a while, the command prints the current stage and exits
    with STILL_BOOTING: run it again. cloud-init's exit code 2 means that it finished with
    recoverable errors (cloud-init 23.4 and later). The result is kept for the rest of the boot:
    after `cloud-init clean`, `cloud-init status --wait` never returns.
    """
    return f"""\
[ ! -e {BOOT_FINISHED_FILE} ] || exit 0
timeout {STATUS_TIMEOUT_SECONDS} cloud-init status --wait > /dev/null
code=$?
if [ "$code" -eq 124 ]; then
    echo $(cloud-init status --long | grep --extended-regexp '^(status|detail)' -A 1)
    exit {STILL_BOOTING}
fi
[ "$code" -eq 0 ] || [ "$code" -eq 2 ] || {{ cloud-init status --long >&2; exit 1; }}
sudo install -D --mode=0644 /dev/null {BOOT_FINISHED_FILE}"""


def read_machine_id() -> str:
    """Return the command that prints the machine-id."""
    return "cat /etc/machine-id"


def paths_are_mounted(paths: list[str]) -> str:
    """Return the command that succeeds if each path is a mount point, or names one that is not."""
    checks = [
        f"{{ findmnt --mountpoint {quote(path)} >/dev/null"
        f" || {{ echo {quote(f'nothing is mounted at {path}')} >&2; false; }}; }}"
        for path in paths
    ]
    return " && ".join(checks) or "true"
