"""One ssh connection that counts the answers to its keepalives, for tunnels that outlive it.

asyncssh keeps all channels in one event loop. paramiko, which carries out the commands of a run,
sends keepalives but never counts their answers, and needs a thread for each channel.
"""

import asyncio
import logging
import socket
from dataclasses import dataclass

import asyncssh

from notebake.errors import HostCommandError, LoginShellError
from notebake.ssh import host as hosts
from notebake.ssh.dial import connect_socket
from notebake.ssh.framing import frame_command, parse_frame
from notebake.ssh.host import Host
from notebake.ssh.line_errors import (
    CONNECT_FAILED,
    PROHIBITED,
    channel_error,
    login_error,
    lost_error,
)
from notebake.ssh.line_key import key_of
from notebake.ssh.relay import ClientSide, HostSide, Traffic

LOGIN_SECONDS = 10
OPEN_SECONDS = 10
"""How long a host may take to open a channel."""
CIPHERS = (
    *("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"),
    *("aes128-ctr", "aes192-ctr", "aes256-ctr"),
)
"""AES-GCM first: in Python one call for each packet, a quarter faster than ChaCha20."""
UNANSWERED = "not responding to keepalive"
"""The words of asyncssh for a line that has gone silent (2.24.1, connection.py)."""
log = logging.getLogger(__name__)
logging.getLogger("asyncssh").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Keepalive:
    """How soon a silent line counts as lost: after (`tries` + 1) times `interval_seconds`."""

    interval_seconds: float = 4
    tries: int = 2

    @property
    def silent_seconds(self) -> float:
        return self.interval_seconds * (self.tries + 1)


class Line:
    """An ssh connection to a host, which shows when it is lost."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.lost: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Done when the line is lost: whether it had gone silent before."""
        self.traffic = Traffic()
        self._connection: asyncssh.SSHClientConnection | None = None

    async def log_in(self, connected: socket.socket, keepalive: Keepalive) -> None:
        """Log in over a TCP connection; raises as `open_line` does."""
        try:
            self._connection = await asyncssh.connect(
                sock=connected,
                host=self.host.address,
                config=None,
                username=self.host.user,
                known_hosts=([asyncssh.import_public_key(self.host.host_key)], [], []),
                client_factory=lambda: _Losing(self),
                preferred_auth="publickey",
                encryption_algs=CIPHERS,
                compression_algs=["none"],
                keepalive_interval=keepalive.interval_seconds,
                keepalive_count_max=keepalive.tries,
                login_timeout=LOGIN_SECONDS,
                gss_host=None,
                **key_of(self.host),
            )
        except (OSError, asyncssh.Error) as error:
            connected.close()
            raise login_error(self.host, error) from error
        except BaseException:
            connected.close()
            raise

    async def join(self, client: ClientSide, port: int) -> None:
        """Connect a program to a loopback port of the host.

        Raises:
            PortClosedError: nothing listens there.
            TunnelForbiddenError: sshd forbids tunnels to it.
            HostUnreachableError: the line is lost.
        """
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._open.create_connection(
                    lambda: HostSide(client, self.traffic), "localhost", port, encoding=None
                )
        except asyncssh.ChannelOpenError as error:
            raise channel_error(self.host, port, error) from error
        except (OSError, asyncssh.Error) as error:
            raise lost_error(self.host, error) from error

    async def run(self, command: str, timeout_seconds: float = 30) -> str:
        """Run a command, whatever the login shell prints around it, and return its output.

        Raises:
            HostCommandError: it failed.
            LoginShellError: the login shell did not run it.
            HostUnreachableError: the line is lost, or no result came in time.
        """
        frame = frame_command(command)
        try:
            async with asyncio.timeout(timeout_seconds):
                done = await self._open.run(
                    frame.line, encoding=None, stdin=asyncssh.DEVNULL, check=False
                )
        except (OSError, asyncssh.Error) as error:
            raise lost_error(self.host, error) from error
        printed, errors = _as_bytes(done.stdout), _as_bytes(done.stderr)
        framed = parse_frame(printed, frame.mark)
        if framed is None:
            raise LoginShellError(f"The login shell of {self.host.user} ran no command.")
        if framed.exit_code:
            shown = parse_frame(errors, frame.mark)
            text = (shown.content if shown else b"").decode(errors="replace")
            raise HostCommandError(self.host.address, command, framed.exit_code, text)
        return framed.content.decode(errors="replace")

    async def is_alive(self, port: int, within_seconds: float) -> bool:
        """Return whether the host answers at once; a closed port is an answer, too."""
        try:
            async with asyncio.timeout(within_seconds):
                channel, _ = await self._open.create_connection(
                    asyncssh.SSHTCPSession, "localhost", port, encoding=None
                )
                channel.close()
        except asyncssh.ChannelOpenError as error:
            return error.code in (PROHIBITED, CONNECT_FAILED)
        except (OSError, asyncssh.Error):
            return False
        return True

    def drop(self, *, was_silent: bool) -> None:
        """End the line at once, without waiting for the host."""
        self.note_loss(was_silent=was_silent)
        if self._connection:
            self._connection.abort()

    def note_loss(self, *, was_silent: bool) -> None:
        if not self.lost.done():
            self.lost.set_result(was_silent)

    @property
    def _open(self) -> asyncssh.SSHClientConnection:
        if self._connection is None or self.lost.done():
            raise asyncssh.ConnectionLost("the line is lost")
        return self._connection


class _Losing(asyncssh.SSHClient):
    """Tells a line that its connection is lost."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def connection_lost(self, exc: Exception | None) -> None:
        self._line.note_loss(was_silent=UNANSWERED in str(exc))


async def open_line(host: Host, keepalive: Keepalive = Keepalive()) -> Line:
    """Return a line to a host that shows the expected host key; no key is trusted on first use.

    Raises:
        WrongHostKeyError: whoever answers shows another one.
        LoginRefusedError: the host refuses the key.
        HostUnreachableError: it does not answer.
        NotebakeError: the key file cannot be read.
    """
    try:
        connected = await connect_socket(host.address, hosts.SSH_PORT)
    except OSError as error:
        raise login_error(host, error) from error
    line = Line(host)
    await line.log_in(connected, keepalive)
    return line


def _as_bytes(content: object) -> bytes:
    return content if isinstance(content, bytes) else b""
