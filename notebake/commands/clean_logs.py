"""Logs: no file below /var/log carries a byte of the build into the image.

Truncating them is not enough: rsyslog and others go on writing into the files that they hold open,
until the machine is off. So from the cleaning to the power-off another, empty file system in
memory lies over /var/log, and whoever still holds a file of the real one is ended. Both are over
with the boot: on the image everything starts as the base wants it.
"""

from shlex import quote

from notebake.commands.shell import fail

REAL_LOGS = "/run/notebake/var-log"
"""Where the real /var/log is seen, with all that is mounted in it, while it is covered."""

COVER_LOGS = f"""\
# From here on the journal is kept in memory: what follows, up to the stop, stays out of the image.
if systemctl is-active --quiet systemd-journald; then journalctl --quiet --relinquish-var; fi
# At its stop it writes into wtmp; so it is stopped before that is emptied.
systemctl stop systemd-update-utmp.service 2> /dev/null || true
real={REAL_LOGS}
if ! mountpoint --quiet "$real"; then
    mkdir --parents --mode=0700 "$real"
    mount --rbind /var/log "$real"
    # Otherwise what is mounted over /var/log would be mounted here, too.
    mount --make-rprivate "$real"
fi
if ! findmnt --noheadings --output SOURCE --mountpoint /var/log | grep --quiet '^notebake-log$'
then
    mount --types tmpfs --options mode=0755,nosuid,nodev,noexec,size=64m notebake-log /var/log
    chown --reference="$real" /var/log
    chmod --reference="$real" /var/log
    # Services expect their directories.
    (cd "$real" && find . -mindepth 1 -type d -print0 |
        tar --create --null --no-recursion --files-from=-) | tar --extract --directory=/var/log
fi"""

# A file that was opened before is known by its file system, as its path looks the same. The unit
# that a process belongs to is stopped with what would start it again; what belongs to none, or
# refuses to be stopped as auditd does, is ended by a signal.
END_WRITERS = """\
import os, pathlib, signal, subprocess, sys, time

covered = os.stat("/var/log").st_dev


def writers():
    found = {}
    for file in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        try:
            path = os.readlink(file)
            if not path.startswith("/var/log/") or os.stat(file).st_dev == covered:
                continue
            known = (file.parent.parent / "fdinfo" / file.name).read_text()
            flags = int(known.split("flags:")[1].split()[0], 8)
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
    asked = ["systemctl", "show", "--property=TriggeredBy", "--value", unit]
    known = subprocess.run(asked, capture_output=True, text=True, check=False)
    words = ["systemctl", "stop", *known.stdout.split(), unit]
    try:
        return subprocess.run(words, capture_output=True, check=False, timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False


for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
    ending = writers()
    for unit in {unit_of(process) for process in ending} - {""}:
        print(f"Logs: {unit} is stopped until the machine is off")
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
find "$real" -ignore_readdir_race -type f -regextype posix-extended \
    -regex '.*(\.(gz|xz|zst|bz2|lz4|old|[0-9]+)|-[0-9]{8}([-.].*)?)' -delete
# Truncated, not removed: owner and mode stay as their services want them.
find "$real" -ignore_readdir_race -type f -exec truncate --no-create --size=0 -- {} +"""

EMPTY_LOGS = "\n".join((COVER_LOGS, f"python3 -I -c {quote(END_WRITERS)}", TRUNCATE_LOGS))
"""Root's commands that cover /var/log, end who writes below it, and empty what is there."""

LOGS_ARE_EMPTY = "\n".join(
    (
        f"mountpoint --quiet {REAL_LOGS} || {fail('the logs have not been emptied')}",
        f"written=$(find {REAL_LOGS} -type f -size +0 -print -quit)",
        f'[ -z "$written" ] || {fail("a log was written to: $written")}',
    )
)
"""Root's commands that fail where anything has been written to a log since they were emptied."""
