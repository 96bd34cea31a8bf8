"""What is asked of a host after a boot, before anything else."""

from shlex import quote

BOOT_FINISHED_FILE = "/run/notebake/booted"
"""There once cloud-init was seen to have finished; gone at the next boot."""


STILL_BOOTING = 75
"""The exit code of a question that was not answered in time (EX_TEMPFAIL of sysexits.h)."""
STATUS_TIMEOUT_SECONDS = 15
"""How long one question waits for the answer."""


def wait_for_cloud_init() -> str:
    """Succeed once cloud-init has finished; fail with its own words where it failed.

    After a while it says what cloud-init is at, and ends with STILL_BOOTING: ask again. Exit code 2
    means that it finished with recoverable complaints (cloud-init 23.4 and later). A boot is asked
    about once: after `cloud-init clean` the question is never answered.
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
    """Print the machine-id."""
    return "cat /etc/machine-id"


def paths_are_mounted(paths: list[str]) -> str:
    """Succeed if something is mounted at each path; otherwise say where nothing is."""
    checks = [
        f"{{ findmnt --mountpoint {quote(path)} >/dev/null"
        f" || {{ echo {quote(f'nothing is mounted at {path}')} >&2; false; }}; }}"
        for path in paths
    ]
    return " && ".join(checks) or "true"
