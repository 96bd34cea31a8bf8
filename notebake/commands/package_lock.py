"""Who holds the locks of the distribution's packages: they are asked, never taken for a name.

A process's name proves nothing: on Ubuntu `unattended-upgr` waits for a shutdown for as long as
the machine runs (`unattended-upgrade-shutdown --wait-for-signal`), and holds no lock.
"""

from shlex import quote

LOCK_FILES = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
    # Held over a whole unattended upgrade, which gives the others back between its packages.
    "/run/unattended-upgrades.lock",
)
"""All are taken by fcntl (apt-pkg/contrib/fileutl.cc, GetLock), and stay when their holder ends."""

# F_GETLK tells the process that bars a lock and takes none itself; struct flock as on any 64-bit
# Linux (fcntl(2)). A lock of an open file description has no process: its number is -1.
FIND_HOLDERS = """\
import fcntl, pathlib, struct, sys

for path in sys.argv[1:]:
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        continue
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
    kind, _, _, _, process = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))
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
    """Return root's command that prints who holds one of the locks; nothing where all are free."""
    return f"python3 -I -c {quote(FIND_HOLDERS)} {' '.join(map(quote, files))}"


def wait_for_lock(seconds: int, files: tuple[str, ...] = LOCK_FILES) -> str:
    """Return root's commands that wait until all locks are free, and name the holder if none is.

    Lock files are never removed: what holds one is in the middle of its work.
    """
    return WAIT.replace("FIND_HOLDER", find_holder(files)).replace("SECONDS", str(seconds))


WAIT = """\
find_holder() { FIND_HOLDER; }
for second in $(seq 0 SECONDS); do
    holder=$(find_holder)
    [ -n "$holder" ] || break
    [ "$second" -gt 0 ] || echo "Waiting for the packages' lock: $holder"
    if [ "$second" = SECONDS ]; then
        echo "The packages' lock was not free within SECONDS s: $holder" >&2
        exit 1
    fi
    sleep 1
done"""
