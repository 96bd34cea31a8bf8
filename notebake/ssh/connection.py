"""Commands over the kept connections to hosts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import fabric
from paramiko import Channel

from notebake.ssh.connection_pool import ConnectionPool
from notebake.ssh.framed_exec import NO_EXIT_CODE, FrameError, exec_framed
from notebake.ssh.host import Host
from notebake.ssh.host_errors import connection_lost_error, login_shell_error, unreachable_error
from notebake.ssh.login import CONNECTION_ERRORS
from notebake.ssh.pooled_connection import PooledConnection

_pools: dict[Host, ConnectionPool] = {}
_lock = threading.Lock()


def run(host: Host, command: str, timeout_seconds: float) -> tuple[int, str, str]:
    """Run a command and return its exit code, its output and its errors.

    Raises:
        HostUnreachableError: the host is unreachable and the command did not start; or the output
            did not arrive, or not in time, and the command may have run.
        LoginShellError: the login shell did not run the command.
    """
    pool = pool_of(host)
    while True:
        with session(pool) as (pooled, channel):
            try:
                return _exec_in_time(host, channel, command, timeout_seconds)
            except FrameError as error:
                check_not_cut_off(pooled, error)
                # pam_limits may refuse a further login only when its session starts.
                if error.has_started or not pool.retire(pooled):
                    raise login_shell_error(
                        host, command, error.exit_code, error.printed
                    ) from error


def disconnect(host: Host) -> None:
    """Close the kept connections to the host, if there are any."""
    with _lock:
        pool = _pools.pop(host, None)
    if pool is not None:
        pool.close()


def pool_of(host: Host) -> ConnectionPool:
    """Return the connections to the host."""
    with _lock:
        return _pools.setdefault(host, ConnectionPool(host))


@contextmanager
def session(pool: ConnectionPool) -> Iterator[tuple[PooledConnection, Channel]]:
    """Give a session; drop its connection if it breaks meanwhile."""
    with pool.session() as (pooled, channel):
        try:
            yield pooled, channel
        except FileNotFoundError:
            raise
        except CONNECTION_ERRORS as error:
            pool.drop(pooled)
            raise connection_lost_error(pool.host, error) from error


def check_not_cut_off(pooled: PooledConnection, error: FrameError) -> None:
    """Raise EOFError if a frame is incomplete because the connection broke."""
    if error.exit_code == NO_EXIT_CODE or has_ended(pooled.connection):
        raise EOFError("cut off") from error


def has_ended(connection: fabric.Connection) -> bool:
    """Return whether the connection is closed; it may look active for a moment after its end."""
    connection.transport.join(timeout=1)
    return not connection.transport.is_active()


def _exec_in_time(
    host: Host, channel: Channel, command: str, timeout_seconds: float
) -> tuple[int, str, str]:
    """Run a command in a session; at the timeout close the session, not the connection."""
    is_late = threading.Event()

    def close_session() -> None:
        is_late.set()
        channel.close()

    timer = threading.Timer(timeout_seconds, close_session)
    timer.start()
    try:
        return exec_framed(channel, command)
    except (FrameError, *CONNECTION_ERRORS) as error:
        if not is_late.is_set():
            raise
        raise unreachable_error(host, f"gave no answer within {timeout_seconds:.0f} s") from error
    finally:
        timer.cancel()
