"""A stream that never ends, nor holds up, the work of whoever writes to it.

A reader that has gone (`| head`), a full disk, a closed terminal, an encoding without a character,
a terminal that is stopped (Ctrl-S) or hangs on a frozen line: what cannot be shown is dropped. What
is said of a run stands in its log as well.
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

LONGEST_BACKLOG = 1_000_000
"""How many characters may wait for a reader that does not read; what comes beyond is dropped."""
IDLE_SECONDS = 1.0
PIECE_BYTES = 4096


def steady(stream: IO[str]) -> TextIO:
    """Return a stream that takes everything; what lies in memory does so by itself."""
    takes_everything = isinstance(stream, (SteadyStream, io.StringIO))
    # It does all that TextIO wants, but Python's own classes of streams do not say so either.
    return cast("TextIO", stream if takes_everything else SteadyStream(stream))


class SteadyStream(io.TextIOBase):
    """Hands what is written to a thread of its own, which writes it to another stream.

    A flush returns when it is written, or has failed, or when nothing has moved for some seconds;
    from then on nobody waits for the reader until he reads again.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._descriptor = _descriptor_of(stream)
        # Asked once: a terminal that has been closed would say that it is none.
        self._is_terminal = _is_terminal(stream)
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._backlog = 0
        self._thread: threading.Thread | None = None
        self._is_stuck = False
        self._moved = 0
        self.failure: OSError | ValueError | None = None
        """Why the first of what was lost could not be written; None where nothing was lost."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # it is a property, too, in all of io
        """What the stream below encodes in."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def buffer(self) -> object:
        """The bytes below, for whoever insists; what is written there is written as ever."""
        return cast("TextIO", self._stream).buffer

    def fileno(self) -> int:
        """Return the descriptor below."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Tell whether it was a terminal in the beginning."""
        return self._is_terminal

    def writable(self) -> bool:
        """It is, whatever becomes of the stream below."""
        return True

    def close(self) -> None:
        """Leave the stream below as it is: it is not ours, and may be the process's own."""

    def write(self, text: str) -> int:
        """Take the text."""
        if not isinstance(text, str):
            raise TypeError(f"text is written here, not {type(text).__name__}")
        with self._changed:
            if self._backlog > LONGEST_BACKLOG:
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
        """Wait until all is written or lost, unless its reader is known not to read at present."""
        if sys.is_finalizing() or threading.current_thread() is self._thread:
            return
        with self._changed:
            while self._backlog and not self._is_stuck:
                moved = self._moved
                self._changed.wait(OUTPUT_SECONDS)
                self._is_stuck = self._moved == moved

    def _work(self) -> None:
        """Write what waits, until nothing has come for a while."""
        while text := self._next_text():
            try:
                self._write_out(text)
            except (OSError, ValueError) as error:
                self.failure = self.failure or error
            finally:
                with self._changed:
                    self._note_moved()
                    self._backlog -= len(text)
                    self._changed.notify_all()

    def _next_text(self) -> str:
        """Return all that waits; "" after a while in which nothing did, and nobody works on."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, IDLE_SECONDS):
                self._thread = None
            text = "".join(self._waiting)
            self._waiting.clear()
        return text

    def _write_out(self, text: str) -> None:
        """Write to the descriptor where there is one: no layer above it keeps what has failed."""
        if self._descriptor is None:
            self._stream.write(_printable(text, self.encoding))
            self._stream.flush()
            return
        left = memoryview(text.encode(self.encoding, "replace"))
        while left:
            try:
                left = left[os.write(self._descriptor, left[:PIECE_BYTES]) :]
                self._note_moved()
            except BlockingIOError:
                # Somebody who shares it has set O_NONBLOCK.
                select.select([], [self._descriptor], [])

    def _note_moved(self) -> None:
        self._moved += 1
        self._is_stuck = False


def _printable(text: str, encoding: str) -> str:
    """Return the text with what the encoding does not have replaced."""
    return text.encode(encoding, "replace").decode(encoding)


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


def _descriptor_of(stream: IO[str]) -> int | None:
    """Return the descriptor that a stream writes to, after writing what waits in it."""
    with suppress(AttributeError, OSError, ValueError):
        stream.flush()
        return stream.fileno()
    return None
