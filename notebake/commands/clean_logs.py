"""Shell text for logs: no file below /var/log brings a byte of the build into the image.

Truncating them is not enough, as rsyslog and others keep writing to their open files until the
power-off. So from the cleaning on, an empty file system in memory covers /var/log, and processes
that write to the real one are stopped. Both last until the end of the boot: machines from the image
start as the base intends.
"""

from shlex import quote

from notebake.commands.shell import fail

REAL_LOGS = "/run/notebake/var-log"
"""Shows the real /var/log, with its mounts, while it is covered."""

COVER_LOGS = f"""\
# From here on the journal stays in memory, so the rest of the build is not logged in the image.
if systemctl is-active --quiet systemd-journald; then journalctl --quiet --relinquish-var; fi
# It writes to wtmp when it stops, so it is stopped before wtmp is truncated.
systemctl stop systemd-update-utmp.service 2> /dev/null || true
real={REAL_LOGS}
if ! mountpoint --quiet "$real"; then
    mkdir --parents --mode=0700 "$real"
    mount --rbind /var/log "$real"
    # Otherwise the mount over /var/log would propagate to this one.
    mount --make-rprivate "$real"
fi
if ! findmnt --noheadings --output SOURCE --mountpoint /var/log | grep --quiet '^notebake-log$'
then
    mount --types tmpfs --options mode=0755,nosuid,nodev,noexec,size=64m notebake-log /var/log
    chown --reference="$real" /var/log
    chmod --reference="$real" /var/log
    # Services expect their directories.
    (cd "$real" && find_present . -mindepth 1 -type d -print0 |
        tar --create --null --no-recursion --ignore-failed-read --files-from=-) |
        tar --extract --directory=/var/log
fi"""

# A file opened before has the same path as now, but another device number. The unit of a writing
# process is stopped together with the units that would start it again; a process without a unit, or
# whose unit cannot be stopped (auditd), gets a signal.
STOP_WRITERS = """\
import glob, os, pathlib, signal, subprocess, sys, time

covered = os.stat("/var/log").st_dev


def writers():
    found = {}
    # Unlike pathlib's (Python 3.11), this passes over processes that end meanwhile.
    for file in map(pathlib.Path, glob.iglob("/proc/[0-9]*/fd/*")):
        try:
            path = os.readlink(file)
            if not path.startswith("/var/log/") or os.stat(file).st_dev == covered:
                continue
            info = (file.parent.parent / "fdinfo" / file.name).read_text()
            flags = int(info.split("flags:")[1].split()[0], 8)
            if flags & os.O_ACCMODE != os.O_RDONLY:
                found[int(file.parts[2])] = path
        except OSError:
            continue
    return found


def unit_of(process):
    try:
        name = pathlib.Path(f"/proc/{process}/cgroup").read_text().strip().rpartition("/")[2]
    except OSError:
        return ""
    return name if name.endswith(".service") else ""


def stop(unit):
    show = ["systemctl", "show", "--property=TriggeredBy", "--value", unit]
    triggers = subprocess.run(show, capture_output=True, text=True, check=False).stdout.split()
    command = ["systemctl", "stop", *triggers, unit]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False


for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
    ending = writers()
    for unit in {unit_of(process) for process in ending} - {""}:
        print(f"Logs: stopping {unit} until the machine is off")
        stop(unit)
    for process in writers():
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + 10
    while writers() and time.monotonic() < deadline:
        time.sleep(0.1)
    if not writers():
        sys.exit(0)
for process, path in writers().items():
    print(f"notebake: process {process} does not stop writing to {path}", file=sys.stderr)
sys.exit(1)
"""

TRUNCATE_LOGS = r"""rm --recursive --force -- "$real"/journal/*
find_present "$real" -type f -regextype posix-extended \
    -regex '.*(\.(gz|xz|zst|bz2|lz4|old|[0-9]+)|-[0-9]{8}([-.].*)?)' -delete
# Truncated, not removed, to keep the owner and mode that services expect.
find_present "$real" -type f -exec truncate --no-create --size=0 -- {} +"""

EMPTY_LOGS = "\n".join((COVER_LOGS, f"python3 -I -c {quote(STOP_WRITERS)}", TRUNCATE_LOGS))
"""Root's commands that cover /var/log, stop the processes that write to it, and empty its files."""

LOGS_ARE_EMPTY = "\n".join(
    (
        f"mountpoint --quiet {REAL_LOGS} || {fail('the logs have not been emptied')}",
        f"written=$(find_present {REAL_LOGS} -type f -size +0 -print -quit)",
        f'[ -z "$written" ] || {fail("a log was written to: $written")}',
    )
)
"""Root's commands that fail if any log was written to since the logs were emptied."""
