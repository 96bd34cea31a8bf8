"""Runs a framed command, or starts sftp, over one channel."""

import re
import threading
from collections.abc import Callable

from paramiko import Channel, Message, SFTPClient
from paramiko.sftp import CMD_INIT

from notebake.ssh.framing import (
    SFTP_SCRIPT,
    FramedOutput,
    frame_command,
    frame_script,
    has_started,
    is_complete,
    parse_frame,
)

CHUNK_BYTES = 64 * 1024
SFTP_VERSION = 3
FIRST_PACKET = re.compile(rb"(\0\0[\0-\x0F].)\x02\0\0\0\x03", re.DOTALL)
END_SECONDS = 1
"""How long the errors and the exit code may arrive after the output."""
NO_EXIT_CODE = -1
"""paramiko's value for a missing exit code: a signal ended the login shell, or the connection
broke."""


class FrameError(Exception):
    """The channel ended without a complete frame."""

    def __init__(self, printed: bytes, exit_code: int, *, has_started: bool) -> None:
        super().__init__(printed, exit_code, has_started)
        self.printed = printed.decode(errors="replace")
        self.exit_code = exit_code
        self.has_started = has_started
        """Whether the host has started the command."""


def exec_framed(channel: Channel, command: str) -> tuple[int, str, str]:
    """Run a command and return its exit code, its output and its errors.

    Raises:
        FrameError: the channel was closed before the output was complete.
    """
    frame = frame_command(command)
    channel.exec_command(frame.line)
    # A login shell that reads its input would otherwise wait for it.
    channel.shutdown_write()
    output, errors = bytearray(), bytearray()
    # Both streams are read at once, as the command blocks when one of them is full.
    error_reader = threading.Thread(
        target=_read, args=(channel.recv_stderr, errors, frame.mark), daemon=True
    )
    error_reader.start()
    _read(channel.recv, output, frame.mark)
    error_reader.join(END_SECONDS)
    framed = parse_frame(output, frame.mark)
    if framed is None:
        raise _frame_error(channel, output, errors, frame.mark)
    # The login shell may have redirected the errors; the output is complete without them.
    framed_errors = parse_frame(errors, frame.mark) or FramedOutput(b"", 0)
    return framed.exit_code, _text(framed.content), _text(framed_errors.content)


def start_sftp(channel: Channel) -> SFTPClient | None:
    """Start sftp-server on the host, whatever its login shell prints before; None if it has none.

    Raises:
        FrameError: the login shell did not start it.
        TimeoutError: nothing arrived within the channel's own timeout.
    """
    # The protocol of sftp-server begins right after the first mark.
    frame = frame_script(SFTP_SCRIPT)
    channel.exec_command(frame.line)
    printed = bytearray()
    # After the mark sftp-server waits for a request, so nothing else is read here.
    while not printed.endswith(frame.mark + b" begin\n"):
        chunk = channel.recv(CHUNK_BYTES)
        printed += chunk
        if printed.endswith(frame.mark + b" none\n"):
            return None
        if not chunk:
            errors = bytearray()
            _read(channel.recv_stderr, errors, frame.mark)
            raise _frame_error(channel, printed, errors, frame.mark)
    return SFTPClient(channel)


class NoiseTolerantSFTPClient(SFTPClient):  # type: ignore[misc]  # paramiko has no types
    """A client of sshd's internal sftp server, started by a login shell that may print before."""

    def _send_version(self) -> int:
        """Start the protocol, and skip all that precedes the server's first packet.

        The packet is its length, SSH_FXP_VERSION and 3 (draft-ietf-secsh-filexfer-02, 4).
        """
        self._send_packet(CMD_INIT, Message(SFTP_VERSION.to_bytes(4, "big")))
        received = bytearray()
        while chunk := self.sock.recv(CHUNK_BYTES):
            received += chunk
            found = FIRST_PACKET.search(received)
            if found and len(received) - found.end(1) >= int.from_bytes(found[1], "big"):
                return SFTP_VERSION
        raise EOFError(bytes(received[-200:]).decode(errors="replace"))


def _read(receive: Callable[[int], bytes], received: bytearray, mark: bytes) -> None:
    """Append to `received` until its frame is complete or the stream ends."""
    searched = 0
    while chunk := receive(CHUNK_BYTES):
        received += chunk
        if is_complete(received, mark, searched):
            return
        searched = len(received)


def _frame_error(channel: Channel, output: bytearray, errors: bytearray, mark: bytes) -> FrameError:
    channel.status_event.wait(END_SECONDS)
    printed = bytes(output + errors)
    return FrameError(printed, channel.exit_status, has_started=has_started(output, mark))


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
