"""A stream that neither fails nor blocks its writer.

Text is dropped if it cannot be written: the reader has ended (`| head`), the disk is full, the
terminal is closed, stopped (Ctrl-S) or hangs. The log of a run contains its messages as well.
"""

import io
import os
import select
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import IO, TextIO, cast

from notebake.timeouts import OUTPUT_SECONDS

MAX_BACKLOG = 1_000_000
"""How many characters may wait for the reader; more are dropped."""
IDLE_SECONDS = 1.0
CHUNK_BYTES = 4096


def steady(stream: IO[str]) -> TextIO:
    """Return a stream that neither fails nor blocks; a stream in memory does neither by itself."""
    is_steady = isinstance(stream, (SteadyStream, io.StringIO))
    # It has all methods of TextIO, but like Python's own streams it does not inherit from it.
    return cast("TextIO", stream if is_steady else SteadyStream(stream))


class SteadyStream(io.TextIOBase):
    """Passes text to a thread, which writes it to another stream.

    A flush returns when the text is written, or its write failed, or nothing was written for some
    seconds. After that, no flush waits until the reader reads again.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._descriptor = _descriptor_of(stream)
        # Determined once, as a closed terminal is not a terminal any more.
        self._is_terminal = _is_terminal(stream)
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._backlog = 0
        self._thread: threading.Thread | None = None
        self._is_stuck = False
        self._chunks_written = 0
        self.failure: OSError | ValueError | None = None
        """The error of the first text that was lost; None if nothing was lost."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # as in all classes of io
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def buffer(self) -> object:
        """The binary stream; writes to it are not protected."""
        return cast("TextIO", self._stream).buffer

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._is_terminal

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Leave the underlying stream open, as it may be a standard stream."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() needs str, not {type(text).__name__}")
        with self._changed:
            if self._backlog > MAX_BACKLOG:
                self.failure = self.failure or TimeoutError("nobody reads it")
            elif text:
                self._waiting.append(text)
                self._backlog += len(text)
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._work, daemon=True)
                    self._thread.start()
                self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Wait until all text is written or lost, unless the reader is known to be stuck."""
        if sys.is_finalizing() or threading.current_thread() is self._thread:
            return
        with self._changed:
            while self._backlog and not self._is_stuck:
                self._is_stuck = not self._wait_for_progress()

    def _wait_for_progress(self) -> bool:
        """Wait until a chunk is written; return False if none was for too long.

        Other threads that write wake the waiting ones, too, which says nothing of the reader.
        """
        before = self._chunks_written
        return self._changed.wait_for(lambda: self._chunks_written != before, OUTPUT_SECONDS)

    def _work(self) -> None:
        """Write waiting text, until none has come for a while."""
        while text := self._next_text():
            try:
                self._write_out(text)
            except (OSError, ValueError) as error:
                self.failure = self.failure or error
            finally:
                with self._changed:
                    self._note_progress()
                    self._backlog -= len(text)
                    self._changed.notify_all()

    def _next_text(self) -> str:
        """Return the waiting text; "" if there was none for a while, and the thread ends."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, IDLE_SECONDS):
                self._thread = None
            text = "".join(self._waiting)
            self._waiting.clear()
        return text

    def _write_out(self, text: str) -> None:
        """Write to the descriptor, if there is one: a file object keeps failed text in a buffer."""
        if self._descriptor is None:
            self._stream.write(_printable(text, self.encoding))
            self._stream.flush()
            return
        remaining = memoryview(text.encode(self.encoding, "replace"))
        while remaining:
            try:
                remaining = remaining[os.write(self._descriptor, remaining[:CHUNK_BYTES]) :]
                self._note_progress()
            except BlockingIOError:
                # Another process that shares the descriptor has set O_NONBLOCK.
                select.select([], [self._descriptor], [])

    def _note_progress(self) -> None:
        self._chunks_written += 1
        self._is_stuck = False


def _printable(text: str, encoding: str) -> str:
    """Replace the characters that the encoding does not have."""
    return text.encode(encoding, "replace").decode(encoding)


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # the stream is closed
        return False


def _descriptor_of(stream: IO[str]) -> int | None:
    """Flush the stream and return its descriptor, if it has one."""
    with suppress(AttributeError, OSError, ValueError):
        stream.flush()
        return stream.fileno()
    return None
