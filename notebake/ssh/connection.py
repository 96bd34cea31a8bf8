"""The connection to each host that this process keeps: all that is asked of hosts goes here."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import fabric
from fabric.runners import Remote
from paramiko import Channel, SFTPClient

from notebake.errors import HostCommandError, HostUnreachableError
from notebake.records import Host
from notebake.ssh.login import HINT, LOST, log_in

log = logging.getLogger(__name__)
ANSWER_SECONDS = 10
"""How long a host may take to open a channel; paramiko waits an hour (5.1.0, transport.py)."""
FILE_SECONDS = 60
"""How long a file may stand still on its way."""
_connections: dict[Host, fabric.Connection] = {}
_lock = threading.Lock()


def run(host: Host, command: str, timeout_seconds: float) -> tuple[int, str, str]:
    """Run a command and return its exit code, its output and its errors.

    Raises:
        HostUnreachableError: there is no way to the host, and nothing was begun; or the answer
            did not come, or not in time, and then it may have run.
    """
    with _channel(host) as (connection, channel):
        is_late = threading.Event()
        limit = threading.Timer(timeout_seconds, _give_up, (connection, is_late))
        limit.start()
        try:
            runner = _Runner(connection, channel)
            result = runner.run(command, hide=True, warn=True, in_stream=False)
        finally:
            limit.cancel()
        # paramiko's code for none: a signal ended it, or the line broke and we do not know.
        if result.return_code == -1 and _has_ended(connection):
            reason = f"no answer within {timeout_seconds:.0f} s" if is_late.is_set() else "cut off"
            raise EOFError(reason)
    return result.return_code, result.stdout, result.stderr


@contextmanager
def files(host: Host, path: str) -> Iterator[SFTPClient]:
    """Give a file channel, for work on this path.

    Raises:
        FileNotFoundError: there is no such file.
        HostCommandError: the host cannot do it, for instance for lack of room.
        HostUnreachableError: there is no way to the host, or nothing moved for a minute.
    """
    with _channel(host) as (connection, channel):
        channel.settimeout(FILE_SECONDS)
        try:
            channel.invoke_subsystem("sftp")
            with SFTPClient(channel) as client:
                yield client
        except TimeoutError:
            raise
        except OSError as error:
            # An answer of the host, unless it is the line's own end.
            if isinstance(error, FileNotFoundError) or _has_ended(connection):
                raise
            raise HostCommandError(host.address, f"sftp {path}", 1, str(error)) from error


@contextmanager
def channels(host: Host) -> Iterator[Callable[[int, tuple[str, int]], Channel]]:
    """Give a function that opens channels to a loopback port of the host.

    Raises:
        HostUnreachableError: there is no way to the host, before the block or after it failed.
    """
    connection, channel = _open_channel(host)
    channel.close()

    def open_to(port: int, caller: tuple[str, int]) -> Channel:
        return connection.transport.open_channel(
            "direct-tcpip", ("localhost", port), caller, timeout=ANSWER_SECONDS
        )

    try:
        yield open_to
    except Exception as failure:
        try:
            connection.transport.open_session(timeout=ANSWER_SECONDS).close()
        except LOST as error:
            _drop(host, connection)
            raise _lost(host, error) from failure
        raise


def disconnect(host: Host) -> None:
    """Close the kept connection, if there is one."""
    with _lock:
        connection = _connections.pop(host, None)
    if connection is not None:
        connection.close()


class _Runner(Remote):  # type: ignore[misc]  # Fabric has no types
    """Runs a command on a channel that is open already."""

    def __init__(self, connection: fabric.Connection, channel: Channel) -> None:
        super().__init__(connection)
        self.channel = channel

    def start(self, command: str, *_: object, **__: object) -> None:
        """Begin."""
        self.send_start_message(command)


@contextmanager
def _channel(host: Host) -> Iterator[tuple[fabric.Connection, Channel]]:
    """Give a channel that the host has just opened: nothing is begun on a line that is dead."""
    connection, channel = _open_channel(host)
    try:
        yield connection, channel
    except FileNotFoundError:
        raise
    except LOST as error:
        _drop(host, connection)
        raise _lost(host, error) from error
    finally:
        channel.close()


def _open_channel(host: Host) -> tuple[fabric.Connection, Channel]:
    """Open a channel on the kept connection, or on a new one where that turns out to be dead."""
    with _lock:
        kept = _connections.get(host)
    if kept is not None:
        try:
            return kept, kept.transport.open_session(timeout=ANSWER_SECONDS)
        except LOST as error:
            log.debug("The connection to %s is dead: %r", host.address, error)
            _drop(host, kept)
    opened = log_in(host)
    with _lock:
        _connections[host] = opened
    try:
        return opened, opened.transport.open_session(timeout=ANSWER_SECONDS)
    except LOST as error:
        _drop(host, opened)
        raise _lost(host, error) from error


def _give_up(connection: fabric.Connection, is_late: threading.Event) -> None:
    """End the wait for a command, whatever it hangs on."""
    is_late.set()
    connection.transport.close()


def _has_ended(connection: fabric.Connection) -> bool:
    """Tell whether the connection is gone; a moment after its channels it may not look so yet."""
    connection.transport.join(timeout=1)
    return not connection.transport.is_active()


def _drop(host: Host, connection: fabric.Connection) -> None:
    """Close a connection and keep it no longer; a newer one to the same host stays."""
    with _lock:
        if _connections.get(host) is connection:
            del _connections[host]
    connection.close()


def _lost(host: Host, error: Exception) -> HostUnreachableError:
    reason = str(error) or repr(error)
    return HostUnreachableError(
        f"The connection to {host.address} ({host.instance_id}) was lost: {reason}", HINT
    )
