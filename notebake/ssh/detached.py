"""Long work on a host, detached from the connection that asked for it.

The work is a script run as root by systemd under a name: a dropped connection neither kills nor
repeats it, a second start of the same name finds the first, and whoever asks reads its log.
"""

import base64
import gzip
import logging
import uuid
from dataclasses import dataclass
from shlex import quote

from notebake import clock
from notebake.commands.disk_space import (
    LIST_DISK_SPACE,
    ROOT_DISK,
    DiskSpace,
    parse_disk_space,
    reports_full_disk,
)
from notebake.commands.shell import OPEN_FILE_LIMITS
from notebake.errors import (
    DiskFullError,
    HostCommandError,
    HostUnreachableError,
    WaitTimeoutError,
)
from notebake.ssh.disk_watch import DiskWatch
from notebake.ssh.host import Host
from notebake.ssh.remote import put_file, run_command, try_command, write_as_root
from notebake.ssh.retrying import retry_until_reachable
from notebake.waiting import check_not_interrupted

log = logging.getLogger(__name__)
ROOT = "/run/notebake/work"
UPLOADS = "/dev/shm"  # noqa: S108  # the builder is ours alone
"""Where long scripts are brought, by the login user; what stays there is gone after a stop."""
CARRIED_BYTES = 96 * 1024
"""How long a packed script may be that goes with its command: Linux takes 128 KiB for one word."""
READ_SECONDS = 30
"""How long one reading may take; the host itself waits up to four seconds for news."""
IS_GONE = 3
"""The exit code of a reading that finds no such work."""


@dataclass(frozen=True)
class Reading:
    """What a host says of a work."""

    result: str
    """How it ended, in systemd's words; empty while it runs."""
    room: tuple[DiskSpace, ...]
    """What is left on its disks."""
    more: bytes
    """What it has printed since the last reading."""


def run_detached(host: Host, name: str, script: str, *, timeout_seconds: float) -> str:
    """Run a root script to its end, once, and return what it printed.

    `name` says what is done and from what, for instance `install_software-0123abcd`. Where one of
    that name is running, by whomever it was begun, that is joined instead. While the host is out
    of reach the work goes on; afterwards it is joined again where it is by then.

    Raises:
        HostCommandError: it failed; the last lines that it printed are in the message.
        DiskFullError: there is no room left on a disk; it says on which.
        WaitTimeoutError: it was ended after `timeout_seconds`.
        HostUnreachableError: the host stayed out of reach, or was restarted meanwhile.
    """
    carried = packed(script)
    start = start_command(name, int(timeout_seconds), asked_id=uuid.uuid4().hex, carried=carried)

    def bring_and_start() -> None:
        # A file of its own would cost seven round trips.
        if carried is None:
            put_file(host, upload(name), script.encode())
        run_command(host, start)

    retry_until_reachable(host, name, bring_and_start)
    printed = shown = b""
    deadline = clock.elapsed() + timeout_seconds + 60
    disks = DiskWatch()
    while True:
        check_not_interrupted()
        reading = _read(host, name, len(printed))
        printed += reading.more
        disks.see(reading.room)
        is_whole = bool(reading.result and not reading.more)
        shown += log_lines(printed[len(shown) :], is_whole=is_whole)
        if is_whole:
            text = printed.decode(errors="replace")
            return result_of_work(
                host, name, reading.result, text, timeout_seconds, disks.blame(text)
            )
        if full := disks.full_for_long:
            run_command(host, end(name))
            raise full_disk(host, name, full, printed.decode(errors="replace"))
        if clock.elapsed() > deadline:
            raise WaitTimeoutError(f"{name} on {host.address} did not end in time.")


def log_lines(printed: bytes, *, is_whole: bool) -> bytes:
    """Log what is complete of what a host printed, and return it: readings end anywhere."""
    shown = printed if is_whole else printed[: printed.rfind(b"\n") + 1]
    for line in shown.decode(errors="replace").splitlines():
        log.info("%s", line, extra={"remote": True})
    return shown


def result_of_work(
    host: Host,
    name: str,
    result: str,
    printed: str,
    timeout_seconds: float,
    full: DiskSpace | None = None,
) -> str:
    """Return what was printed, or raise for what systemd says of the end."""
    # An end by SIGTERM is a "success", too: "success TERM" (systemd.exec(5)).
    if result == "success 0":
        return printed
    if full or reports_full_disk(printed):
        raise full_disk(host, name, full, printed)
    if result.startswith("timeout"):
        raise WaitTimeoutError(
            f"{name} on {host.address} was ended after its limit of {timeout_seconds:.0f} s."
        )
    code = result.rsplit(" ", 1)[-1]
    raise HostCommandError(host.address, name, int(code) if code.isdigit() else -1, printed)


def full_disk(host: Host, name: str, full: DiskSpace | None, printed: str) -> DiskFullError:
    """Return the error that names the full disk, where it is known which."""
    words = full.description if full else "no space was left on a disk while it ran"
    return DiskFullError(host.address, name, printed, words, (full or ROOT_DISK).advice)


def start_command(
    name: str, timeout_seconds: int, *, asked_id: str, carried: str | None = None
) -> str:
    """Return the command that starts the work, unless one of that name is running.

    Its script is `carried` along as `packed` gave it, or was uploaded before. Whoever has not heard
    whether it was started asks again with the same `asked_id`: then work that has failed meanwhile
    is not started a second time.
    """
    unit, home, uploaded = quote(f"notebake-{name}"), quote(f"{ROOT}/{name}"), quote(upload(name))
    place = f"sudo install -D --mode=0700 {uploaded} {home}/script"
    if carried is not None:
        unpack = f"echo {carried} | base64 --decode | gzip --decompress"
        place = f"{unpack} | sudo install -D --mode=0700 /dev/stdin {home}/script"
    # systemd sets both variables for ExecStopPost, however the work ended (systemd.exec(5)).
    ended = f'cd {home}\necho "$SERVICE_RESULT $EXIT_STATUS" > result.new\nmv result.new result\n'
    return "\n".join(
        (
            "set -euo pipefail",
            # Whose question was lost may ask again while it is still being answered.
            "exec 9< . && flock 9",
            f"trap 'rm --force '{uploaded} EXIT",
            f"state=$(systemctl is-active {unit} || true)",
            # What is ending has not told its result yet, and bars a second unit of its name.
            "case $state in active | activating | deactivating) exit 0 ;; esac",
            f"if [ -f {home}/result ] && grep -qxF {asked_id} {home}/asked; then exit 0; fi",
            f"sudo rm --recursive --force {home}",
            place,
            write_as_root(f"{home}/ended", ended),
            f"sudo touch {home}/log",
            f"echo {asked_id} | sudo tee {home}/asked > /dev/null",
            f"sudo systemctl reset-failed {unit} 2>/dev/null || true",
            f"sudo systemd-run --quiet --collect --unit={unit}"
            f" --property=RuntimeMaxSec={timeout_seconds}"
            f" --property=StandardOutput=append:{home}/log"
            f" --property=StandardError=append:{home}/log"
            # /run may be mounted noexec: what lies there is read by a shell.
            f" --property=ExecStopPost={quote(f'/bin/sh {ROOT}/{name}/ended')}"
            f" --property=LimitNOFILE={OPEN_FILE_LIMITS}"
            f" /bin/bash {home}/script",
        )
    )


def is_running(names: str) -> str:
    """Return the command that succeeds if work of such names runs; "*" stands for any letters.

    What is being ended still runs.
    """
    states = "--state=active,activating,deactivating"
    pattern = quote(f"notebake-{names}")
    return f"systemctl list-units --plain --no-legend {states} {pattern} | grep --quiet ."


def end(names: str) -> str:
    """Return the command that ends the work of such names, and waits for its end."""
    return f"sudo systemctl stop {quote(f'notebake-{names}')}"


def end_others(names: str, name: str) -> str:
    """Return the command that ends the work of such names but this one, and waits for its end."""
    states = "--state=active,activating,deactivating"
    own = quote(f"own=notebake-{name}.service")
    return (
        f"systemctl list-units {states} --plain --no-legend {quote(f'notebake-{names}')}"
        f" | awk -v {own} '$1 != own {{print $1}}' | xargs --no-run-if-empty sudo systemctl stop"
    )


def packed(script: str) -> str | None:
    """Return a script as it goes along with its command, or None where it is too long for that."""
    text = base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()
    return text if len(text) <= CARRIED_BYTES else None


def upload(name: str) -> str:
    """Return where a script is uploaded to that is too long to be carried along."""
    return f"{UPLOADS}/notebake-{name}"


def read_command(name: str, offset: int) -> str:
    """Return the command that prints how the work ended, and its log from `offset` bytes on.

    The first line is empty while the work runs; the next ones, up to an empty one, say what room
    the disks have; the rest is in base64, so that the count of bytes survives. The command itself
    waits up to four seconds for news: nothing is asked in vain.
    """
    waits = f"[ -f result ] || [ $(stat --format=%s log) -gt {offset} ]"
    script = (
        f"cd {quote(f'{ROOT}/{name}')} || exit {IS_GONE}\n"
        f"for i in $(seq 40); do if {waits}; then break; fi; sleep 0.1; done\n"
        f"cat result 2>/dev/null || echo\n{LIST_DISK_SPACE}\necho\n"
        f"tail --bytes=+{offset + 1} log | head --bytes=65536 | base64"
    )
    return f"sudo /bin/sh -c {quote(script)}"


def _read(host: Host, name: str, offset: int) -> Reading:
    """Return how the work ended, and what it printed since `offset` bytes."""
    command = read_command(name, offset)
    answer = retry_until_reachable(
        host, name, lambda: try_command(host, command, timeout_seconds=READ_SECONDS)
    )
    if answer.exit_code == IS_GONE:
        raise HostUnreachableError(
            f"{name} is gone from {host.address} ({host.instance_id}): it was restarted meanwhile.",
            "Resume the run: what was not finished is done again.",
        )
    if answer.exit_code != 0:
        raise HostCommandError(
            host.address, f"read how {name} is doing", answer.exit_code, answer.errors
        )
    return parse_reading(answer.output)


def parse_reading(printed: str) -> Reading:
    """Return what `read_command` printed."""
    result, _, rest = printed.partition("\n")
    room, _, more = f"\n{rest}".partition("\n\n")
    return Reading(result.strip(), parse_disk_space(room), base64.b64decode(more))
