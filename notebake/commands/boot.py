"""What is asked of a host after a boot, before anything else."""

from shlex import quote

from notebake.commands.apt import package_manager_runs

BOOTED = "/run/notebake/booted"
"""There once cloud-init was seen to have finished; gone at the next boot."""


def first_boot_status() -> str:
    """Wait until cloud-init has finished; fail with its own words where it failed.

    Exit code 2 means that it finished with recoverable complaints (cloud-init 23.4 and later).
    A boot is asked about once: after `cloud-init clean` the question is never answered.
    """
    return (
        f"[ -e {BOOTED} ] || {{ cloud-init status --wait >/dev/null || [ $? -eq 2 ] ||"
        " { cloud-init status --long >&2; exit 1; };"
        f" sudo install -D --mode=0644 /dev/null {BOOTED}; }}"
    )


def package_manager_is_idle() -> str:
    """Wait until no package manager runs; lock files are never removed."""
    return f"for i in $(seq 280); do {package_manager_runs()} || exit 0; sleep 1; done; exit 1"


def machine_id() -> str:
    """Print the machine-id."""
    return "cat /etc/machine-id"


def are_mount_points(paths: list[str]) -> str:
    """Succeed if something is mounted at each path; otherwise say where nothing is."""
    checks = [
        f"{{ findmnt --mountpoint {quote(path)} >/dev/null"
        f" || {{ echo {quote(f'nothing is mounted at {path}')} >&2; false; }}; }}"
        for path in paths
    ]
    return " && ".join(checks) or "true"
