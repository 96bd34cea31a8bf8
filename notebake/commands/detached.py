"""The commands of detached work: a root script that systemd runs under a name."""

import base64
import gzip
from dataclasses import dataclass
from shlex import quote

from notebake.commands.disk_space import LIST_DISK_SPACE, DiskSpace, parse_disk_space
from notebake.commands.shell import OPEN_FILE_LIMITS

ROOT = "/run/notebake/work"
UPLOADS = "/dev/shm"  # noqa: S108  # the builder is ours alone
"""Where the login user uploads long scripts; the directory is empty after a stop."""
CARRIED_BYTES = 96 * 1024
"""The maximum size of a packed script within its command: Linux allows 128 KiB for one word."""
NO_SUCH_WORK = 3
"""The exit code of `read_status` if there is no such work."""
RUNNING_STATES = "--state=active,activating,deactivating"
"""Work that is being stopped is still running."""


@dataclass(frozen=True)
class WorkStatus:
    """The status of a work."""

    result: str
    """systemd's result; empty while the work runs."""
    room: tuple[DiskSpace, ...]
    """The free space of the host's disks."""
    more: bytes
    """The output since the last reading."""


def start_work(
    name: str, timeout_seconds: int, *, request_id: str, carried: str | None = None
) -> str:
    """Start the work, unless work of that name is running.

    `carried` is the script from `pack_script`; without it the script was uploaded before. If the
    response is lost, the command is repeated with the same `request_id`: work that has failed
    meanwhile is then not started again.
    """
    unit, home = quote(f"notebake-{name}"), quote(f"{ROOT}/{name}")
    uploaded = quote(upload_path(name))
    place = f"sudo install -D --mode=0700 {uploaded} {home}/script"
    if carried is not None:
        unpack = f"echo {carried} | base64 --decode | gzip --decompress"
        place = f"{unpack} | sudo install -D --mode=0700 /dev/stdin {home}/script"
    # systemd sets both variables for ExecStopPost, however the work ended (systemd.exec(5)).
    ended = f'cd {home}\necho "$SERVICE_RESULT $EXIT_STATUS" > result.new\nmv result.new result\n'
    return "\n".join(
        (
            "set -euo pipefail",
            # A repeated command may run while the first one is still running.
            "exec 9< . && flock 9",
            f"trap 'rm --force '{uploaded} EXIT",
            f"state=$(systemctl is-active {unit} || true)",
            # A unit that is ending has no result yet, and prevents a second unit of its name.
            "case $state in active | activating | deactivating) exit 0 ;; esac",
            f"if [ -f {home}/result ] && grep -qxF {request_id} {home}/asked; then exit 0; fi",
            f"sudo rm --recursive --force {home}",
            place,
            _write_as_root(f"{home}/ended", ended),
            f"sudo touch {home}/log",
            f"echo {request_id} | sudo tee {home}/asked > /dev/null",
            f"sudo systemctl reset-failed {unit} 2>/dev/null || true",
            f"sudo systemd-run --quiet --collect --unit={unit}"
            f" --property=RuntimeMaxSec={timeout_seconds}"
            f" --property=StandardOutput=append:{home}/log"
            f" --property=StandardError=append:{home}/log"
            # /run may be mounted noexec, so a shell reads the script.
            f" --property=ExecStopPost={quote(f'/bin/sh {ROOT}/{name}/ended')}"
            f" --property=LimitNOFILE={OPEN_FILE_LIMITS}"
            f" /bin/bash {home}/script",
        )
    )


def work_is_running(names: str) -> str:
    """Succeed if work of such names is running; "*" stands for any letters."""
    pattern = quote(f"notebake-{names}")
    return f"systemctl list-units --plain --no-legend {RUNNING_STATES} {pattern} | grep --quiet ."


def stop_work(names: str) -> str:
    """Stop the work of such names, and wait for its end."""
    return f"sudo systemctl stop {quote(f'notebake-{names}')}"


def stop_other_work(names: str, name: str) -> str:
    """Stop the work of such names except this one, and wait for its end."""
    own = quote(f"own=notebake-{name}.service")
    return (
        f"systemctl list-units {RUNNING_STATES} --plain --no-legend {quote(f'notebake-{names}')}"
        f" | awk -v {own} '$1 != own {{print $1}}'"
        " | xargs --delimiter='\\n' --no-run-if-empty sudo systemctl stop --"
    )


def pack_script(script: str) -> str | None:
    """Return the script as it is carried within a command, or None if it is too long for that."""
    text = base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()
    return text if len(text) <= CARRIED_BYTES else None


def upload_path(name: str) -> str:
    """Return the path to which a long script is uploaded."""
    return f"{UPLOADS}/notebake-{name}"


def read_status(name: str, offset: int) -> str:
    """Print the result of the work, the free space of the disks, and the log from `offset` on.

    The first line is empty while the work runs; the next lines, up to an empty one, are the disks;
    the rest is the log in base64, which preserves the byte count. The command waits for the end of
    the work up to four seconds; after one second new output is enough, so that a work that prints
    much is not read all the time. Meanwhile it starts no program, as the work needs the processor
    itself: it tries to read one byte more of the log, and pauses by reading from a pipe that stays
    empty.
    """
    has_news = "[ -f result ] || { [ $tenth -gt 10 ] && read -r -N 1 -u 3; }"
    script = (
        f"cd {quote(f'{ROOT}/{name}')} || exit {NO_SUCH_WORK}\n"
        f"exec 3< log 4<> <(:); dd status=none iflag=skip_bytes skip={offset} count=0 <&3\n"
        f"for tenth in {{1..40}}; do if {has_news}; then break; fi; read -r -t 0.1 -u 4; done\n"
        f"cat result 2>/dev/null || echo\n{LIST_DISK_SPACE}\necho\n"
        f"tail --bytes=+{offset + 1} log | head --bytes=65536 | base64"
    )
    return f"sudo /bin/bash -c {quote(script)}"


def parse_status(printed: str) -> WorkStatus:
    """Return what `read_status` printed."""
    result, _, rest = printed.partition("\n")
    room, _, more = f"\n{rest}".partition("\n\n")
    return WorkStatus(result.strip(), parse_disk_space(room), base64.b64decode(more))


def _write_as_root(path: str, content: str) -> str:
    encoded = base64.b64encode(content.encode()).decode()
    return (
        f"echo {encoded} | base64 --decode | sudo install -D --mode=0600 /dev/stdin {quote(path)}"
    )
