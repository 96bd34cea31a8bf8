"""Commands for a host that has just booted."""

from shlex import quote

BOOT_FINISHED_FILE = "/run/notebake/booted"
"""Exists once cloud-init has finished; /run is empty again after the next boot."""
STILL_BOOTING = 75
"""Exit code of `wait_for_cloud_init` when cloud-init is still at work (EX_TEMPFAIL, sysexits.h)."""
STATUS_TIMEOUT_SECONDS = 15
"""How long one `cloud-init status --wait` may take, and the wait for its result before that."""
RUN_DIRECTORY = "/run/cloud-init"
"""cloud-init links `status.json` there when it begins, and `result.json` when it has finished
(cloudinit/cmd/main.py, status_wrapper, 22.4 to 25.1); all is gone after the next boot."""
UNITS = (
    "cloud-init-local.service cloud-init-main.service cloud-init-network.service"
    " cloud-init.service cloud-config.service cloud-final.service"
)
"""The units of cloud-init's stages, in any of its versions."""


def wait_for_cloud_init() -> str:
    """Return the command that succeeds once cloud-init has finished, and prints its error if any.

    If cloud-init is still at work after a while, the command prints the current stage and exits
    with STILL_BOOTING: run it again. cloud-init's exit code 2 means that it finished with
    recoverable errors (cloud-init 23.4 and later). The result is kept for the rest of the boot:
    after `cloud-init clean`, `cloud-init status --wait` never returns.
    Where cloud-init's own files show an end without any error, it is not asked: starting it costs
    half a second of the processor.
    """
    return f"""\
[ ! -e {BOOT_FINISHED_FILE} ] || exit 0
for _ in $(seq {STATUS_TIMEOUT_SECONDS * 5}); do
    if [ ! -e {RUN_DIRECTORY}/status.json ] || [ -e {RUN_DIRECTORY}/result.json ]; then break; fi
    sleep 0.2
done
code=0
if ! grep --quiet '"errors": \\[\\]' {RUN_DIRECTORY}/result.json 2> /dev/null ||
    systemctl is-failed --quiet {UNITS}; then
    timeout {STATUS_TIMEOUT_SECONDS} cloud-init status --wait > /dev/null
    code=$?
fi
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
