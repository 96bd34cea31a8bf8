"""What comes back over one channel: the answer to a command, or the files that a host serves."""

import re
import threading
from collections.abc import Callable

from paramiko import Channel, Message, SFTPClient
from paramiko.sftp import CMD_INIT

from notebake.ssh.framing import (
    Framed,
    frame_command,
    frame_files,
    has_begun,
    is_whole,
    take_framed,
)

CHUNK_BYTES = 64 * 1024
VERSION = 3
FIRST_PACKET = re.compile(rb"(\0\0[\0-\x0F].)\x02\0\0\0\x03", re.DOTALL)
END_SECONDS = 1
"""How long a command's errors, or the exit code of the login shell, may come after the answer."""
BY_SIGNAL = -1
"""paramiko's exit code for none: a signal ended the login shell, or the line broke."""


class UnframedError(Exception):
    """All has come that will, and it is no answer."""

    def __init__(self, printed: bytes, exit_code: int, *, began: bool) -> None:
        super().__init__(printed, exit_code, began)
        self.printed = printed.decode(errors="replace")
        self.exit_code = exit_code
        self.began = began
        """Whether the host came as far as what was asked."""


def ask(channel: Channel, command: str) -> tuple[int, str, str]:
    """Return the exit code of a command, its output and its errors, and nothing else.

    Raises:
        UnframedError: the channel was closed before the answer was whole.
    """
    frame = frame_command(command)
    channel.exec_command(frame.line)
    # A login shell that reads its input would otherwise wait for it.
    channel.shutdown_write()
    output, errors = bytearray(), bytearray()
    # Whoever fills one stream waits until it is read, so both are read at once.
    beside = threading.Thread(
        target=_read, args=(channel.recv_stderr, errors, frame.mark), daemon=True
    )
    beside.start()
    _read(channel.recv, output, frame.mark)
    beside.join(END_SECONDS)
    answer = take_framed(output, frame.mark)
    if answer is None:
        raise _unframed(channel, output, errors, frame.mark)
    # The login shell may have sent the errors elsewhere: the answer stands without them.
    told = take_framed(errors, frame.mark) or Framed(b"", 0)
    return answer.exit_code, _text(answer.content), _text(told.content)


def serve_files(channel: Channel) -> SFTPClient | None:
    """Return the files of a host, whatever its login shell prints before they are served.

    None where the host has no program for that.

    Raises:
        UnframedError: the login shell did not come as far.
        TimeoutError: nothing came within the channel's own timeout.
    """
    frame = frame_files()
    channel.exec_command(frame.line)
    printed = bytearray()
    # Nothing follows the mark before it is asked for.
    while not printed.endswith(frame.mark + b" begin\n"):
        more = channel.recv(CHUNK_BYTES)
        printed += more
        if printed.endswith(frame.mark + b" none\n"):
            return None
        if not more:
            errors = bytearray()
            _read(channel.recv_stderr, errors, frame.mark)
            raise _unframed(channel, printed, errors, frame.mark)
    return SFTPClient(channel)


class FilesAfterChatter(SFTPClient):  # type: ignore[misc]  # paramiko has no types
    """The files that sshd serves by itself, started by a login shell that may print before."""

    def _send_version(self) -> int:
        """Begin the protocol, and skip what stands before the other side's first packet.

        That is its length, SSH_FXP_VERSION and 3 (draft-ietf-secsh-filexfer-02, 4).
        """
        self._send_packet(CMD_INIT, Message(VERSION.to_bytes(4, "big")))
        read = bytearray()
        while more := self.sock.recv(CHUNK_BYTES):
            read += more
            found = FIRST_PACKET.search(read)
            if found and len(read) - found.end(1) >= int.from_bytes(found[1], "big"):
                return VERSION
        raise EOFError(bytes(read[-200:]).decode(errors="replace"))


def _read(receive: Callable[[int], bytes], read: bytearray, mark: bytes) -> None:
    """Add to `read` what is received, until a frame is whole or nothing more comes."""
    looked = 0
    while more := receive(CHUNK_BYTES):
        read += more
        if is_whole(read, mark, looked):
            return
        looked = len(read)


def _unframed(channel: Channel, output: bytearray, errors: bytearray, mark: bytes) -> UnframedError:
    """Return what has come instead of an answer."""
    channel.status_event.wait(END_SECONDS)
    return UnframedError(bytes(output + errors), channel.exit_status, began=has_begun(output, mark))


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
