"""What comes back over one channel: the answer to a command, or the files that a host serves."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from paramiko import Channel, SFTPClient

from notebake.ssh.framing import (
    Framed,
    frame_command,
    frame_files,
    has_begun,
    is_whole,
    take_framed,
)

CHUNK_BYTES = 64 * 1024
END_SECONDS = 1
"""How long a command's errors, or the exit code of the login shell, may come after the answer."""
BY_SIGNAL = -1
"""paramiko's exit code for none: a signal ended the login shell, or the line broke."""


class UnframedError(Exception):
    """All has come that will, and it is no answer."""

    def __init__(self, printed: bytes, exit_code: int, began: bool) -> None:
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


@contextmanager
def serve_files(channel: Channel) -> Iterator[SFTPClient]:
    """Give the files of a host, whatever its login shell prints before they are served.

    Raises:
        UnframedError: no files are served.
        TimeoutError: nothing came within the channel's own timeout.
    """
    frame = frame_files()
    channel.exec_command(frame.line)
    printed = bytearray()
    # Nothing follows the mark before it is asked for.
    while not printed.endswith(frame.mark + b" begin\n"):
        more = channel.recv(CHUNK_BYTES)
        printed += more
        if not more:
            errors = bytearray()
            _read(channel.recv_stderr, errors, frame.mark)
            raise _unframed(channel, printed, errors, frame.mark)
    with SFTPClient(channel) as client:
        yield client


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
    return UnframedError(bytes(output + errors), channel.exit_status, has_begun(output, mark))


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
