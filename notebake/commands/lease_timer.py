"""The dead-man switch: a timer that powers a temporary machine off when its lease has expired.

All its files lie below /run, so that none of them becomes part of an image.
"""

from notebake.commands.shell import as_root, write_file

LEASE_FILE = "/run/notebake/lease-until"
"""When the lease expires, in whole seconds since the kernel booted.

Not a date: setting the clock must neither end a lease nor extend it.
"""
CHECK_SCRIPT = "/run/notebake/check-lease"
UNITS = "/run/systemd/system"
TIMER = "notebake-lease.timer"
SERVICE = "notebake-lease.service"
READ_UPTIME = "read -r now _ < /proc/uptime; now=${now%.*}"
SERVICE_UNIT = f"""\
[Unit]
Description=Power off when the lease has run out
[Service]
Type=oneshot
ExecStart=/bin/sh {CHECK_SCRIPT}
"""
LONGEST_INTERVAL_SECONDS = 60
"""How often the machine checks a long lease; a short one more often."""


def arm_lease(hours: float) -> str:
    """Return root's commands that arm the dead-man switch for this boot.

    They run while systemd is still starting: no command waits for a job, each runs whether or not
    the one before succeeded, and a failure does not fail the boot. `lease_is_armed` checks the
    result. systemd finds a new unit by itself; it reads all of its units again, which takes most of
    a second of a boot, only if it does not.
    """
    start = f"timeout 30 systemctl --no-block start {TIMER}"
    return "\n".join(
        (
            write_file(CHECK_SCRIPT, check_lease(hours)),
            write_file(f"{UNITS}/{SERVICE}", SERVICE_UNIT),
            write_file(f"{UNITS}/{TIMER}", timer_unit(hours)),
            f"{start} || {{ timeout 30 systemctl daemon-reload; {start}; }}",
            "true",
        )
    )


def timer_unit(hours: float) -> str:
    """Return the unit that checks the lease ten times in its length, and at least every minute."""
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
    """Return the script that powers the machine off once its lease has expired.

    If the lease file cannot be read, the lease is the initial one, counted from the start of
    process 1: in a container, that is the container's start. /proc gives it in hundredths of a
    second on every Linux (proc(5), USER_HZ).
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


def renew_lease(hours: float) -> str:
    """Return the command that lets the lease expire this many hours from now."""
    return as_root(
        READ_UPTIME,
        "mkdir --parents /run/notebake",
        f'echo "$((now + {round(hours * 3600)}))" > {LEASE_FILE}.new',
        f"mv --force --no-target-directory {LEASE_FILE}.new {LEASE_FILE}",
    )


def lease_is_armed() -> str:
    """Return the command that succeeds if the dead-man switch works, and prints the minutes left.

    The timer must be active, and a check run now must succeed; otherwise the command prints what
    failed.
    """
    return f"""(
if ! systemctl is-active --quiet {TIMER}; then
    echo "{TIMER} does not run: the user data did not start it, or systemd could not" >&2
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
