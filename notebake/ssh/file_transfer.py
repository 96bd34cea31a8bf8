"""Copies files to and from a host by sftp."""

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import BinaryIO

from paramiko import Channel, SFTPClient, SFTPError

from notebake.errors import HostCommandError
from notebake.ssh.connection import check_not_cut_off, has_ended, pool_of, session
from notebake.ssh.framed_exec import FrameError, NoiseTolerantSFTPClient, start_sftp
from notebake.ssh.host import Host
from notebake.ssh.host_errors import login_shell_error
from notebake.ssh.login import CONNECTION_ERRORS
from notebake.ssh.pooled_connection import PooledConnection
from notebake.ssh.remote import run_command, try_command

IDLE_SECONDS = 60
"""How long a transfer may make no progress."""


@contextmanager
def sftp_client(host: Host, path: str) -> Iterator[SFTPClient]:
    """Give an sftp client for work on this path.

    Raises:
        FileNotFoundError: there is no such file.
        HostCommandError: the host failed, for instance because its disk is full.
        HostUnreachableError: the host is unreachable, or no byte arrived for a minute.
        LoginShellError: the login shell did not start sftp-server.
    """
    pool = pool_of(host)
    with session(pool) as (pooled, channel), _host_errors(host, path, pooled):
        channel.settimeout(IDLE_SECONDS)
        if started := start_sftp(channel):
            with started as client:
                yield client
            return
    # sshd may have its server built in (internal-sftp), or in another directory.
    with session(pool) as (pooled, channel), _host_errors(host, path, pooled):
        channel.settimeout(IDLE_SECONDS)
        with _start_subsystem(channel) as client:
            yield client


@contextmanager
def _host_errors(host: Host, path: str, pooled: PooledConnection) -> Iterator[None]:
    """Turn errors of the host into HostCommandError or LoginShellError.

    Errors of the connection itself are raised as they are.
    """
    try:
        yield
    except TimeoutError:
        raise
    except FrameError as error:
        check_not_cut_off(pooled, error)
        raise login_shell_error(host, f"sftp {path}", error.exit_code, error.printed) from error
    except (OSError, SFTPError) as error:
        if isinstance(error, FileNotFoundError) or has_ended(pooled.connection):
            raise
        raise HostCommandError(host.address, f"sftp {path}", 1, str(error)) from error


def _start_subsystem(channel: Channel) -> SFTPClient:
    """Return a client of the sftp subsystem that sshd starts through the login shell.

    Raises:
        FrameError: sshd has no such subsystem, or the login shell ended before it.
    """
    try:
        channel.invoke_subsystem("sftp")
        return NoiseTolerantSFTPClient(channel)
    except TimeoutError:
        raise
    except (SFTPError, *CONNECTION_ERRORS) as error:
        reason = f"no sftp-server is installed, and sshd's own sftp does not answer: {error!r}"
        exit_code = max(0, channel.exit_status)
        raise FrameError(reason.encode(), exit_code, has_started=False) from error


log = logging.getLogger(__name__)
SFTP_BYTES = 32 * 1024
"""The size of one sftp request."""
DIGEST_SECONDS = 1800
"""How long a host may take to read an incomplete file of an earlier try."""


def put_file(host: Host, path: str, content: bytes) -> None:
    """Write a file as the login user; it is complete or absent.

    Raises:
        HostUnreachableError: the connection broke.
    """
    _send(host, BytesIO(content), path, begin=0)


def put_path(host: Host, local_path: Path, path: str, *, make_parents: bool = False) -> None:
    """Copy a local file to the host as the login user; the copy is complete or absent.

    The part that an earlier try has copied is not copied again.

    Raises:
        HostUnreachableError: the connection broke; another try continues from there.
    """
    if make_parents:
        run_command(host, f"mkdir --parents {quote(str(PurePosixPath(path).parent))}")
    with local_path.open("rb") as content:
        begin = _already_copied(host, content, path)
        if begin:
            log.info("%s: %d bytes are on the host already", local_path.name, begin)
        _send(host, content, path, begin=begin)


def get_file(host: Host, path: str) -> bytes:
    """Return the content of a file that the login user may read.

    Raises:
        FileNotFoundError: there is no such file.
        HostUnreachableError: the connection broke.
    """
    with sftp_client(host, path) as client:
        received = BytesIO()
        client.getfo(path, received)
        return received.getvalue()


def _send(host: Host, content: BinaryIO, path: str, *, begin: int) -> None:
    """Write a partial file from this byte on, and rename it when it is complete."""
    partial_path = f"{path}.part"
    content.seek(begin)
    with sftp_client(host, path) as client:
        with client.open(partial_path, "r+b" if begin else "wb") as remote:
            remote.set_pipelined(True)
            remote.seek(begin)
            shutil.copyfileobj(content, remote, SFTP_BYTES)
        client.posix_rename(partial_path, path)


def _already_copied(host: Host, content: BinaryIO, path: str) -> int:
    """Return the size of the partial file of an earlier try; 0 if it differs from the content."""
    partial = quote(f"{path}.part")
    command = f"stat --format=%s {partial} 2>/dev/null && sha256sum < {partial}"
    answer = try_command(host, command, timeout_seconds=DIGEST_SECONDS)
    if answer.exit_code != 0:
        return 0
    size, digest = answer.output.split()[:2]
    content.seek(0)
    own, left = hashlib.sha256(), int(size)
    while left and (chunk := content.read(min(left, 1024 * SFTP_BYTES))):
        own.update(chunk)
        left -= len(chunk)
    return int(size) if not left and own.hexdigest() == digest else 0
