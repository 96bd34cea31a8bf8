"""User data: what a temporary machine is told at its first breath.

It arms the dead-man switch at every boot, and may give a builder the host key that we expect.
Everything is written below /run, so that nothing of it enters an image.
"""

import json
from typing import Any

from notebake.commands.shell import as_root, write_file

LEASE_FILE = "/run/notebake/lease-until"
"""When the lease ends, in whole seconds since the kernel booted.

Not a date: a clock that is set, forwards or backwards, must neither end a lease nor stretch it.
"""
CHECK_SCRIPT = "/run/notebake/check-lease"
UNITS = "/run/systemd/system"
TIMER = "notebake-lease.timer"
SERVICE = "notebake-lease.service"
READ_UPTIME = "read -r now _ < /proc/uptime; now=${now%.*}"
PACKAGE_TIMERS = "apt-daily.timer apt-daily-upgrade.timer"
PACKAGE_UNITS = (
    f"{PACKAGE_TIMERS} apt-daily.service apt-daily-upgrade.service unattended-upgrades.service"
)
"""What would hold the packages' lock of a builder for minutes, restart services in the middle of
our work (needrestart), or install upgrades while it is stopped for its image."""
SERVICE_UNIT = f"""\
[Unit]
Description=Power off when the lease has run out
[Service]
Type=oneshot
ExecStart=/bin/sh {CHECK_SCRIPT}
"""
LONGEST_INTERVAL_SECONDS = 60
"""How often the machine looks at its lease; more often when that is short."""


def user_data(
    *,
    lease_hours: float,
    host_key_private: str | None = None,
    host_key_public: str | None = None,
) -> str:
    """Return the cloud-config of a temporary machine; JSON, which is YAML that needs no care.

    With a host key the machine is a builder: the key is short-lived, since whoever may ask the
    machine's metadata service can read it. Without, its host keys are its own.
    """
    config: dict[str, Any] = {"bootcmd": [["bash", "-c", arm_lease(lease_hours)]]}
    if host_key_private and host_key_public:
        config["bootcmd"].append(["bash", "-c", mask_package_jobs()])
        config["ssh_deletekeys"] = True
        config["ssh_genkeytypes"] = ["ed25519"]
        config["ssh_keys"] = {
            "ed25519_private": host_key_private.strip() + "\n",
            "ed25519_public": host_key_public,
        }
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"


def arm_lease(hours: float) -> str:
    """Arm the dead-man switch for this boot.

    It runs while systemd is still starting: nothing in it waits for a job, each line is tried
    whatever became of the one before, and its failure does not fail the boot. `lease_is_armed`
    tells whether it worked.
    """
    return "\n".join(
        (
            write_file(CHECK_SCRIPT, check_lease(hours)),
            write_file(f"{UNITS}/{SERVICE}", SERVICE_UNIT),
            write_file(f"{UNITS}/{TIMER}", timer_unit(hours)),
            "timeout 30 systemctl daemon-reload",
            f"timeout 30 systemctl --no-block start {TIMER}",
            "true",
        )
    )


def timer_unit(hours: float) -> str:
    """Return the unit that looks at the lease ten times in its length, at least every minute."""
    seconds = max(1, min(LONGEST_INTERVAL_SECONDS, round(hours * 360)))
    return f"""\
[Unit]
Description=Look at the lease every {seconds} s
[Timer]
OnActiveSec={seconds}
OnUnitActiveSec={seconds}
AccuracySec={max(1, seconds // 12)}
"""


def check_lease(hours: float, lease: str = LEASE_FILE, uptime: str = "/proc/uptime") -> str:
    """Return the script that powers the machine off once its lease has run out.

    Where the lease cannot be read, it is what was asked for at the boot: counted from the start
    of the first process, which in a container is the container's own. /proc counts that in
    hundredths of a second on every Linux (proc(5), USER_HZ).
    """
    return f"""\
#!/bin/sh
read -r now _ < {uptime} || exit 1
now=${{now%.*}}
until=
read -r until < {lease}
case $until in
    '' | *[!0-9]* | ????????????*)
        ticks=$(sed 's/.*) //' /proc/1/stat | cut -d ' ' -f 20)
        until=$((ticks / 100 + {round(hours * 3600)})) ;;
esac
[ "$now" -ge "$until" ] || exit 0
echo "The lease has run out: powering off"
systemctl poweroff || systemctl poweroff --force
"""


def mask_package_jobs() -> str:
    """Keep the daily package jobs from this boot; masked below /run, so for this boot only.

    So the image has the base's own policy without anybody restoring it. An upgrade that runs
    already is not stopped but waited for: one that is cut off leaves packages half installed.
    """
    return (
        f"timeout 30 systemctl --runtime mask {PACKAGE_UNITS};"
        f" timeout 30 systemctl --no-block stop {PACKAGE_TIMERS}; true"
    )


def renew_lease(hours: float) -> str:
    """Let the lease end so many hours from now."""
    return as_root(
        READ_UPTIME,
        "mkdir --parents /run/notebake",
        f'echo "$((now + {round(hours * 3600)}))" > {LEASE_FILE}.new',
        f"mv --force --no-target-directory {LEASE_FILE}.new {LEASE_FILE}",
    )


def lease_is_armed() -> str:
    """Succeed if the dead-man switch is at work; print how many minutes are left, if renewed.

    Its timer must run, and a look at the lease that is taken now must go well; what fails is said.
    """
    return f"""(
if ! systemctl is-active --quiet {TIMER}; then
    echo "{TIMER} does not run: the machine was not told to start it, or could not" >&2
    exit 1
fi
test -r {CHECK_SCRIPT} || {{ echo "{CHECK_SCRIPT} is not there" >&2; exit 1; }}
if ! sudo systemctl start {SERVICE}; then
    echo "{SERVICE} fails: $(systemctl show --property=Result,ExecMainStatus {SERVICE} | xargs)" >&2
    exit 1
fi
{READ_UPTIME}
if read -r until 2> /dev/null < {LEASE_FILE}; then echo "$(((until - now) / 60)) minutes left"; fi
)"""
