"""sftp clients over the kept connections to hosts."""

from collections.abc import Iterator
from contextlib import contextmanager

from paramiko import Channel, SFTPClient, SFTPError

from notebake.errors import HostCommandError
from notebake.ssh.connection import check_not_cut_off, has_ended, pool_of, session
from notebake.ssh.framed_exec import FrameError, NoiseTolerantSFTPClient, start_sftp
from notebake.ssh.host import Host
from notebake.ssh.host_errors import login_shell_error
from notebake.ssh.login import CONNECTION_ERRORS
from notebake.ssh.pooled_connection import PooledConnection

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
