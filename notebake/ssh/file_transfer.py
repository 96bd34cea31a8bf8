"""Copies files to and from a host by sftp."""

import hashlib
import logging
import shutil
from io import BytesIO
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import BinaryIO

from notebake.ssh.host import Host
from notebake.ssh.remote import run_command, try_command
from notebake.ssh.sftp import sftp_client

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
    partial_path = _partial_path(path)
    content.seek(begin)
    with sftp_client(host, path) as client:
        with client.open(partial_path, "r+b" if begin else "wb") as remote:
            remote.set_pipelined(True)
            remote.seek(begin)
            shutil.copyfileobj(content, remote, SFTP_BYTES)
        client.posix_rename(partial_path, path)


def _already_copied(host: Host, content: BinaryIO, path: str) -> int:
    """Return the size of the partial file of an earlier try; 0 if it differs from the content."""
    partial = quote(_partial_path(path))
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


def _partial_path(path: str) -> str:
    return f"{path}.part"
