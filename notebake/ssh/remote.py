"""A host over ssh: commands, files, tunnels. Nothing is decided here.

Commands come from `notebake.commands`, and what their answers mean is the caller's business.
"""

import base64
import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import BinaryIO

from notebake.errors import HostCommandError, HostUnreachableError, LoginRefusedError
from notebake.ssh import connection
from notebake.ssh.host import Host
from notebake.ssh.tunnel import open_tunnel

log = logging.getLogger(__name__)
SFTP_BYTES = 32 * 1024
"""What one request of sftp carries."""
REACH_SECONDS = 30
"""How long a host that lets us in may take for a first command: what its login shell reads may be
slow, and a line that is dead is known to be so sooner."""
LOGGED = 2000
"""How many characters of a command are logged."""
DIGEST_SECONDS = 1800
"""How long a host may take to read what an earlier try has left of a file."""


@dataclass(frozen=True)
class Answer:
    """What a command on a host gave."""

    exit_code: int
    output: str
    errors: str


def try_command(host: Host, command: str, *, timeout_seconds: float = 60) -> Answer:
    """Run a command as the login user and return its answer, whatever its exit code.

    Raises:
        HostUnreachableError: no connection, or none any more, or no answer in time.
        LoginShellError: the user's login shell did not run it.
    """
    shown = command if len(command) <= LOGGED else f"{command[:LOGGED]} … ({len(command)} in all)"
    log.debug("On %s: %s", host.address, shown)
    return Answer(*connection.run(host, command, timeout_seconds))


def run_command(host: Host, command: str, *, timeout_seconds: float = 60) -> str:
    """Run a command as the login user and return what it printed.

    Raises:
        HostCommandError: it ended with a non-zero exit code.
        HostUnreachableError: as for `try_command`.
    """
    answer = try_command(host, command, timeout_seconds=timeout_seconds)
    if answer.exit_code != 0:
        raise HostCommandError(
            host.address, command, answer.exit_code, answer.errors or answer.output
        )
    return answer.output


def succeeds(host: Host, command: str) -> bool:
    """Tell whether a probe ends with exit code 0."""
    return try_command(host, command).exit_code == 0


def check_reachable(host: Host) -> None:
    """Find out whether the host lets us in now, and runs what it is asked.

    Raises:
        LoginRefusedError: it answers, but does not accept the key.
        HostUnreachableError: it does not answer.
        LoginShellError: it lets us in, and the login shell runs nothing.
    """
    run_command(host, "true", timeout_seconds=REACH_SECONDS)


def is_reachable(host: Host) -> bool:
    """Tell whether the host lets us in now.

    Raises:
        LoginRefusedError, LoginShellError: as for `check_reachable`.
    """
    try:
        check_reachable(host)
    except LoginRefusedError:
        raise
    except HostUnreachableError as error:
        log.debug("%s", error)
        return False
    return True


def put_file(host: Host, path: str, content: bytes) -> None:
    """Write a file as the login user, whole or not at all.

    Raises:
        HostUnreachableError: the line broke; the file is not there, or whole.
    """
    _send(host, BytesIO(content), path, begin=0)


def put_path(host: Host, local_path: Path, path: str, *, make_parents: bool = False) -> None:
    """Copy a local file to the host as the login user, whole or not at all.

    What an earlier try has brought of the same file is not brought again.

    Raises:
        HostUnreachableError: the line broke; another try goes on from there.
    """
    if make_parents:
        run_command(host, f"mkdir --parents {quote(str(PurePosixPath(path).parent))}")
    with local_path.open("rb") as content:
        begin = _already_there(host, content, path)
        if begin:
            log.info("%s: %d bytes are there already", local_path.name, begin)
        _send(host, content, path, begin=begin)


def get_file(host: Host, path: str) -> bytes:
    """Return the content of a file that the login user may read.

    Raises:
        FileNotFoundError: there is none.
        HostUnreachableError: the line broke.
    """
    with connection.files(host, path) as files:
        kept = BytesIO()
        files.getfo(path, kept)
        return kept.getvalue()


def write_as_root(path: str, content: str, mode: str = "0600") -> str:
    """Return the command that writes a file as root, whatever its content holds."""
    encoded = base64.b64encode(content.encode()).decode()
    return (
        f"echo {encoded} | base64 --decode | sudo install -D --mode={mode} /dev/stdin {quote(path)}"
    )


@contextmanager
def forward_port(host: Host, remote_port: int) -> Iterator[int]:
    """Open an ssh tunnel and give the local port that leads to the host's loopback port.

    Raises:
        TunnelForbiddenError: the host leads nobody there.
        HostUnreachableError: what was done in the block failed, and the host is out of reach.
    """
    with open_tunnel(host, remote_port) as local_port:
        yield local_port


def check_tunnel(host: Host, remote_port: int) -> None:
    """Find out whether the host leads a tunnel to its port, whether or not somebody listens there.

    Raises:
        TunnelForbiddenError: it does not; the hint says what to mend.
        HostUnreachableError: there is no way to the host.
    """
    connection.check_tunnel(host, remote_port)


def disconnect(host: Host) -> None:
    """Close the kept connections, if there are any."""
    connection.disconnect(host)


def _send(host: Host, content: BinaryIO, path: str, *, begin: int) -> None:
    """Write a file beside its place, from this byte on, and put it there by a rename."""
    beside = _beside(path)
    content.seek(begin)
    with connection.files(host, path) as files:
        with files.open(beside, "r+b" if begin else "wb") as remote:
            remote.set_pipelined(True)
            remote.seek(begin)
            shutil.copyfileobj(content, remote, SFTP_BYTES)
        files.posix_rename(beside, path)


def _already_there(host: Host, content: BinaryIO, path: str) -> int:
    """Return how many bytes an earlier try has left beside the place; 0 unless each is right."""
    beside = quote(_beside(path))
    asked = f"stat --format=%s {beside} 2>/dev/null && sha256sum < {beside}"
    answer = try_command(host, asked, timeout_seconds=DIGEST_SECONDS)
    if answer.exit_code != 0:
        return 0
    size, digest = answer.output.split()[:2]
    content.seek(0)
    own, left = hashlib.sha256(), int(size)
    while left and (read := content.read(min(left, 1024 * SFTP_BYTES))):
        own.update(read)
        left -= len(read)
    return int(size) if not left and own.hexdigest() == digest else 0


def _beside(path: str) -> str:
    return f"{path}.part"
