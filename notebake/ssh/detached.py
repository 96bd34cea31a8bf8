"""Long work on a host, detached from the connection that started it.

The work is a script that systemd runs as root under a name. A broken connection neither ends nor
repeats it, a second start under the same name joins it, and its log is read in pieces.
"""

import logging
import uuid

from notebake import clock
from notebake.commands.detached import (
    NO_SUCH_WORK,
    WorkStatus,
    pack_script,
    parse_status,
    read_status,
    start_work,
    stop_work,
    upload_path,
)
from notebake.commands.disk_space import ROOT_DISK, DiskSpace, reports_full_disk
from notebake.errors import (
    DiskFullError,
    HostCommandError,
    HostUnreachableError,
    WaitTimeoutError,
)
from notebake.ledger.kinds import HOST
from notebake.ledger.recording import record
from notebake.ssh.disk_watch import DiskWatch
from notebake.ssh.file_transfer import put_file
from notebake.ssh.host import Host
from notebake.ssh.host_errors import describe_host
from notebake.ssh.remote import retry_until_reachable, run_command, try_command
from notebake.waiting import check_not_interrupted

log = logging.getLogger(__name__)
READ_SECONDS = 30
"""How long one reading may take; the host itself waits up to four seconds for new output."""
GRACE_SECONDS = 60
"""How long after its own timeout the work may take to end."""


def run_detached(host: Host, name: str, script: str, *, timeout_seconds: float) -> str:
    """Run a root script to its end, once, and return its output.

    `name` says what runs and from which input, for instance `install_software-0123abcd`. If work
    of that name is running already, it is joined. While the host is unreachable the work continues;
    afterwards its log is read on.

    Raises:
        HostCommandError: it failed; the last lines of its output are in the message.
        DiskFullError: a disk was full; the message names it.
        WaitTimeoutError: it was ended after `timeout_seconds`.
        HostUnreachableError: the host stayed unreachable, or was restarted meanwhile.
    """
    record(HOST, {"work": name, "instance": host.instance_id})
    _start(host, name, script, int(timeout_seconds))
    output = logged = b""
    deadline = clock.elapsed() + timeout_seconds + GRACE_SECONDS
    disks = DiskWatch()
    while True:
        check_not_interrupted()
        status = _read(host, name, len(output))
        output += status.more
        disks.update(status.room)
        is_over = bool(status.result and not status.more)
        logged += log_lines(output[len(logged) :], is_complete=is_over)
        if is_over:
            text = output.decode(errors="replace")
            cause = disks.find_cause(text)
            return check_result(host, name, status.result, text, timeout_seconds, cause)
        if full := disks.full_for_long:
            run_command(host, stop_work(name))
            raise disk_full_error(host, name, full, output.decode(errors="replace"))
        if clock.elapsed() > deadline:
            raise WaitTimeoutError(f"{name} on {host.address} did not end in time.")


def _start(host: Host, name: str, script: str, timeout_seconds: int) -> None:
    packed = pack_script(script)
    start = start_work(name, timeout_seconds, request_id=uuid.uuid4().hex, carried=packed)

    def upload_and_start() -> None:
        # An upload costs seven round trips, so only long scripts are uploaded.
        if packed is None:
            put_file(host, upload_path(name), script.encode())
        run_command(host, start)

    retry_until_reachable(host, name, upload_and_start)


def _read(host: Host, name: str, offset: int) -> WorkStatus:
    """Return the status of the work, and its output from this byte on."""
    command = read_status(name, offset)
    answer = retry_until_reachable(
        host, name, lambda: try_command(host, command, timeout_seconds=READ_SECONDS)
    )
    if answer.exit_code == NO_SUCH_WORK:
        raise HostUnreachableError(
            f"{name} is gone from {describe_host(host)}: the host was restarted meanwhile.",
            "Resume the run: it repeats what was not finished.",
        )
    if answer.exit_code != 0:
        raise HostCommandError(
            host.address, f"read the status of {name}", answer.exit_code, answer.errors
        )
    return parse_status(answer.output)


def log_lines(output: bytes, *, is_complete: bool) -> bytes:
    """Log the complete lines of a host's output and return them; a reading may end anywhere."""
    complete = output if is_complete else output[: output.rfind(b"\n") + 1]
    for line in complete.decode(errors="replace").splitlines():
        log.info("%s", line, extra={"remote": True})
    return complete


def check_result(
    host: Host,
    name: str,
    result: str,
    output: str,
    timeout_seconds: float,
    full: DiskSpace | None = None,
) -> str:
    """Return the output, or raise the error for systemd's result."""
    # An end by SIGTERM is a "success", too: "success TERM" (systemd.exec(5)).
    if result == "success 0":
        return output
    if full or reports_full_disk(output):
        raise disk_full_error(host, name, full, output)
    if result.startswith("timeout"):
        raise WaitTimeoutError(
            f"{name} on {host.address} was ended at its timeout of {timeout_seconds:.0f} s."
        )
    code = result.rsplit(" ", 1)[-1]
    raise HostCommandError(host.address, name, int(code) if code.isdigit() else -1, output)


def disk_full_error(host: Host, name: str, full: DiskSpace | None, output: str) -> DiskFullError:
    """Return the error that names the full disk, if it is known."""
    words = full.description if full else "a disk was full while it ran"
    return DiskFullError(host.address, name, output, words, (full or ROOT_DISK).advice)
