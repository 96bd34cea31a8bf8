"""The locks of the distribution's package managers, found by asking the kernel for their holder.

A process name proves nothing: on Ubuntu, `unattended-upgr` waits for a shutdown as long as the
machine runs (`unattended-upgrade-shutdown --wait-for-signal`), and holds no lock.
"""

from shlex import quote

LOCK_FILES = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
    # Held during a whole unattended upgrade, which releases the others between its packages.
    "/run/unattended-upgrades.lock",
)
"""Locked by fcntl (apt-pkg/contrib/fileutl.cc, GetLock); the files outlive the lock."""

# F_GETLK returns the process that holds a conflicting lock and acquires none; struct flock as on
# 64-bit Linux (fcntl(2)). A lock of an open file description has no process: its number is -1.
FIND_HOLDERS = """\
import fcntl, pathlib, struct, sys

for path in sys.argv[1:]:
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        continue
    flock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
    kind, _, _, _, process = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, flock))
    if kind == fcntl.F_UNLCK:
        continue
    words = []
    try:
        words = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().split(b"\\0")
    except OSError:
        pass
    command = b" ".join(words).decode(errors="replace").strip()[:200] or "which has just ended"
    print(f"process {process} ({command}) holds {path}")
    break
"""


def find_holder(files: tuple[str, ...] = LOCK_FILES) -> str:
    """Return root's command that prints which process holds a lock; nothing if all are free."""
    return f"python3 -I -c {quote(FIND_HOLDERS)} {' '.join(map(quote, files))}"


def wait_for_lock(seconds: int, files: tuple[str, ...] = LOCK_FILES) -> str:
    """Return root's commands that wait until all locks are free; on a timeout they name the holder.

    Lock files are never removed: their holder is in the middle of its work.
    """
    return WAIT.replace("FIND_HOLDER", find_holder(files)).replace("SECONDS", str(seconds))


WAIT = """\
find_holder() { FIND_HOLDER; }
for second in $(seq 0 SECONDS); do
    holder=$(find_holder)
    [ -n "$holder" ] || break
    [ "$second" -gt 0 ] || echo "Waiting for a lock of the package manager: $holder"
    if [ "$second" = SECONDS ]; then
        echo "Timed out after SECONDS s waiting for a lock of the package manager: $holder" >&2
        exit 1
    fi
    sleep 1
done"""
