"""A host over ssh: the only module that speaks to Fabric.

One connection per host is kept open in this process and used again. Nothing is decided here:
commands come from `notebake.commands`, and what their answers mean is the caller's business.
"""

import base64
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from shlex import quote

import fabric
import paramiko
from invoke.exceptions import CommandTimedOut
from paramiko import PKey, SFTPClient
from paramiko.ssh_exception import AuthenticationException, SSHException

from notebake.errors import HostCommandError, HostUnreachableError, LoginRefusedError
from notebake.records import Host

log = logging.getLogger(__name__)
CONNECT_SECONDS = 5
KEEPALIVE_SECONDS = 15
# paramiko prints a traceback for every connection that fails while a machine boots.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)
_connections: dict[Host, fabric.Connection] = {}
_lock = threading.Lock()


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
    """
    log.debug("On %s: %s", host.address, command)
    connection = _connection(host)
    try:
        result = connection.run(
            command, hide=True, warn=True, in_stream=False, timeout=timeout_seconds
        )
    except (OSError, EOFError, SSHException, CommandTimedOut) as error:
        disconnect(host)
        raise HostUnreachableError(
            f"The connection to {host.address} ({host.instance_id}) was lost: {error!r}"
        ) from error
    return Answer(result.return_code, result.stdout, result.stderr)


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


def is_reachable(host: Host) -> bool:
    """Tell whether the host lets us in now.

    Raises:
        LoginRefusedError: it answers, but does not accept the key.
    """
    try:
        return try_command(host, "true", timeout_seconds=10).exit_code == 0
    except LoginRefusedError:
        raise
    except HostUnreachableError as error:
        log.debug("%s", error)
        return False


def put_file(host: Host, path: str, content: bytes) -> None:
    """Write a file as the login user."""
    with _sftp(host) as sftp:
        sftp.putfo(BytesIO(content), path)


def put_path(host: Host, local_path: Path, path: str, *, make_parents: bool = False) -> None:
    """Copy a local file to the host as the login user."""
    if make_parents:
        run_command(host, f"mkdir --parents {quote(str(PurePosixPath(path).parent))}")
    with _sftp(host) as sftp:
        sftp.put(str(local_path), path)


def get_file(host: Host, path: str) -> bytes:
    """Return the content of a file that the login user may read.

    Raises:
        FileNotFoundError: there is none.
    """
    with _sftp(host) as sftp:
        kept = BytesIO()
        sftp.getfo(path, kept)
        return kept.getvalue()


def write_as_root(path: str, content: str, mode: str = "0600") -> str:
    """Return the command that writes a file as root, whatever its content holds."""
    encoded = base64.b64encode(content.encode()).decode()
    return (
        f"echo {encoded} | base64 --decode | sudo install -D --mode={mode} /dev/stdin {quote(path)}"
    )


@contextmanager
def forward_port(host: Host, remote_port: int) -> Iterator[int]:
    """Open an ssh tunnel and give the local port that leads to the host's loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        local_port: int = probe.getsockname()[1]
    with _connection(host).forward_local(local_port, remote_port=remote_port):
        yield local_port


def disconnect(host: Host) -> None:
    """Close the kept connection, if there is one."""
    with _lock:
        connection = _connections.pop(host, None)
    if connection is not None:
        connection.close()


def _connection(host: Host) -> fabric.Connection:
    """Return the open connection to a host, opening it if needed."""
    with _lock:
        kept = _connections.get(host)
    if kept is not None and kept.is_connected:
        return kept
    opened = _open(host)
    with _lock:
        _connections[host] = opened
    return opened


def _open(host: Host) -> fabric.Connection:
    """Log in with our key only, to the host with the expected host key only."""
    connection = fabric.Connection(
        host.address,
        user=host.user,
        config=fabric.Config(overrides={"load_ssh_configs": False}, lazy=True),
        connect_timeout=CONNECT_SECONDS,
        connect_kwargs={
            "key_filename": host.private_key_path,
            "look_for_keys": False,
            "allow_agent": False,
            "banner_timeout": CONNECT_SECONDS,
            "auth_timeout": 2 * CONNECT_SECONDS,
        },
    )
    # Fabric's default accepts any host key (fabric 3.2.3, connection.py, AutoAddPolicy).
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    kind, encoded = host.host_key.split()[:2]
    key = PKey.from_type_string(kind, base64.b64decode(encoded))
    connection.client.get_host_keys().add(host.address, kind, key)
    try:
        connection.open()
    except AuthenticationException as error:
        raise LoginRefusedError(
            f"{host.address} ({host.instance_id}) does not accept the key of user {host.user}."
        ) from error
    except (OSError, EOFError, SSHException) as error:
        raise HostUnreachableError(
            f"{host.address} ({host.instance_id}) does not answer over ssh: {error}"
        ) from error
    transport = connection.transport
    transport.set_keepalive(KEEPALIVE_SECONDS)
    # paramiko waits an hour for a channel by default (transport.py, channel_timeout).
    transport.channel_timeout = 30
    return connection


@contextmanager
def _sftp(host: Host) -> Iterator[SFTPClient]:
    """Give a file channel of its own; a broken connection is a HostUnreachableError."""
    try:
        client = SFTPClient.from_transport(_connection(host).transport)
        client.get_channel().settimeout(60)
        with client:
            yield client
    except FileNotFoundError:
        raise
    except (OSError, EOFError, SSHException) as error:
        disconnect(host)
        raise HostUnreachableError(f"The file channel to {host.address} broke: {error}") from error
