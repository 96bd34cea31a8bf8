"""All that is asked of hosts goes through here: commands, files, channels to their ports."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import fabric
from paramiko import Channel, SFTPClient, SFTPError
from paramiko.ssh_exception import ChannelException

from notebake.errors import HostCommandError
from notebake.ssh.answers import BY_SIGNAL, FilesAfterChatter, UnframedError, ask, serve_files
from notebake.ssh.host import Host
from notebake.ssh.lines import ANSWER_SECONDS, Line, Lines
from notebake.ssh.login import LOST
from notebake.ssh.refusals import late, lost, tunnel_forbidden, unframed

FILE_SECONDS = 60
"""How long a file may stand still on its way."""
PROHIBITED = 1
"""The code of "administratively prohibited" (RFC 4254, 5.1): what no port on the host would help;
where nobody listens, it is 2."""
_connections: dict[Host, Lines] = {}
_lock = threading.Lock()


def run(host: Host, command: str, timeout_seconds: float) -> tuple[int, str, str]:
    """Run a command and return its exit code, its output and its errors.

    Raises:
        HostUnreachableError: there is no way to the host, and nothing was begun; or the answer
            did not come, or not in time, and then it may have run.
        LoginShellError: the login shell did not run it.
    """
    lines = _lines(host)
    while True:
        with _session(lines) as (line, channel):
            try:
                return _ask_in_time(host, channel, command, timeout_seconds)
            except UnframedError as error:
                if error.exit_code == BY_SIGNAL or _has_ended(line.connection):
                    raise EOFError("cut off") from error
                # A limit on logins shows on a further connection only when it is used (pam_limits).
                if error.began or not lines.do_without(line):
                    raise unframed(host, command, error.exit_code, error.printed) from error


@contextmanager
def files(host: Host, path: str) -> Iterator[SFTPClient]:
    """Give a file channel, for work on this path.

    Raises:
        FileNotFoundError: there is no such file.
        HostCommandError: the host cannot do it, for instance for lack of room.
        HostUnreachableError: there is no way to the host, or nothing moved for a minute.
        LoginShellError: the login shell did not come as far as serving files.
    """
    lines = _lines(host)
    with _session(lines) as (line, channel), _as_answers(host, path, line):
        channel.settimeout(FILE_SECONDS)
        if served := serve_files(channel):
            with served as client:
                yield client
            return
    # sshd may have what serves files within itself (internal-sftp), or elsewhere.
    with _session(lines) as (line, channel), _as_answers(host, path, line):
        channel.settimeout(FILE_SECONDS)
        with _own_files(channel) as client:
            yield client


@contextmanager
def _as_answers(host: Host, path: str, line: Line) -> Iterator[None]:
    """Raise what the block raises as an answer of the host, unless it is the line's own end."""
    try:
        yield
    except TimeoutError:
        raise
    except UnframedError as error:
        if error.exit_code == BY_SIGNAL or _has_ended(line.connection):
            raise EOFError("cut off") from error
        raise unframed(host, f"sftp {path}", error.exit_code, error.printed) from error
    except (OSError, SFTPError) as error:
        if isinstance(error, FileNotFoundError) or _has_ended(line.connection):
            raise
        raise HostCommandError(host.address, f"sftp {path}", 1, str(error)) from error


def _own_files(channel: Channel) -> SFTPClient:
    """Return the files that sshd itself serves, started by the login shell.

    Raises:
        UnframedError: it serves none, or the login shell ends before.
    """
    try:
        channel.invoke_subsystem("sftp")
        return FilesAfterChatter(channel)
    except TimeoutError:
        raise
    except (SFTPError, *LOST) as error:
        told = f"no sftp-server is installed, and sshd's own sftp does not speak it: {error!r}"
        raise UnframedError(told.encode(), max(0, channel.exit_status), began=False) from error


def check_tunnel(host: Host, port: int) -> None:
    """Find out whether the host leads anybody to a loopback port of its own, listened at or not.

    Raises:
        TunnelForbiddenError: it does not.
        HostUnreachableError: there is no way to the host.
    """
    _leading_line(host, port)


@contextmanager
def channels(host: Host, port: int) -> Iterator[Callable[[tuple[str, int]], Channel]]:
    """Give a function that opens channels to a loopback port of the host.

    Raises:
        TunnelForbiddenError: the host leads nobody there.
        HostUnreachableError: there is no way to the host, before the block or after it failed.
    """
    line = _leading_line(host, port)
    try:
        yield lambda caller: _open_to(line, port, caller)
    except Exception as failure:
        try:
            _look_for_way(line, host, port)
        except LOST as error:
            _lines(host).drop(line)
            raise lost(host, error) from failure
        raise


def disconnect(host: Host) -> None:
    """Close the kept connections, if there are any."""
    with _lock:
        lines = _connections.pop(host, None)
    if lines is not None:
        lines.close()


def _lines(host: Host) -> Lines:
    with _lock:
        return _connections.setdefault(host, Lines(host))


@contextmanager
def _session(lines: Lines) -> Iterator[tuple[Line, Channel]]:
    """Give a session; a line that breaks meanwhile is kept no longer."""
    with lines.session() as (line, channel):
        try:
            yield line, channel
        except FileNotFoundError:
            raise
        except LOST as error:
            lines.drop(line)
            raise lost(lines.host, error) from error


def _ask_in_time(
    host: Host, channel: Channel, command: str, timeout_seconds: float
) -> tuple[int, str, str]:
    """Ask over a session, and give it up, not the line, when no answer has come in time."""
    is_late = threading.Event()

    def give_up() -> None:
        is_late.set()
        channel.close()

    limit = threading.Timer(timeout_seconds, give_up)
    limit.start()
    try:
        return ask(channel, command)
    except (UnframedError, *LOST) as error:
        if not is_late.is_set():
            raise
        raise late(host, timeout_seconds) from error
    finally:
        limit.cancel()


def _leading_line(host: Host, port: int) -> Line:
    """Return a line that is alive, and that leads to a port."""
    lines = _lines(host)
    while True:
        line, is_new = lines.any_line()
        try:
            _look_for_way(line, host, port)
        except LOST as error:
            lines.drop(line)
            if is_new:
                raise lost(host, error) from error
        else:
            return line


def _look_for_way(line: Line, host: Host, port: int) -> None:
    """Raise TunnelForbiddenError where the host leads nobody to a port, or what broke the line."""
    try:
        _open_to(line, port, ("localhost", 0)).close()
    except ChannelException as error:
        if error.code == PROHIBITED:
            raise tunnel_forbidden(host, port) from error


def _open_to(line: Line, port: int, caller: tuple[str, int]) -> Channel:
    return line.connection.transport.open_channel(
        "direct-tcpip", ("localhost", port), caller, timeout=ANSWER_SECONDS
    )


def _has_ended(connection: fabric.Connection) -> bool:
    """Tell whether the connection is gone; a moment after its channels it may not look so yet."""
    connection.transport.join(timeout=1)
    return not connection.transport.is_active()
