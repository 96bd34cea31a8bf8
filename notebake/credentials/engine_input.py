"""What the engine is given: texts in segments, each written once and known by its lines.

Several processes write to one engine. The engine reads what it is given in chunks and cuts them
only between two empty lines, up to 25 kB later (Betterleaks 1.7, sources/common.go,
readUntilSafeBoundary). So a segment is shorter, has no empty lines inside, and ends with two: it is
never cut, and a credential in it is never missed for that.
"""

import fcntl
import os
import re
from typing import NamedTuple

SEGMENT_BYTES = 20_000
OVERLAP = 2_000
"""Bytes that two segments of one text share, so that no credential is cut in two."""
BUFFER_BYTES = 1 << 20
"""So many bytes are gathered before they are given to the engine."""
SEGMENT_END = b"\n\n"
# To the engine a form feed is white space, and a line with one is not empty.
FILLED = b"\n\f\n"
# What a word may follow in the source of a text: \n, \t, and what colours a terminal.
ESCAPE = re.compile(rb"\\+[nrtbf]|\x1b\[[\d;]*[A-Za-z]")
# Pictures and documents in base64, as notebooks hold them: PNG, JPEG, GIF, PDF.
PICTURE = re.compile(rb"(?:iVBORw0KGgo|/9j/4AA|R0lGOD|JVBERi0)(?:[A-Za-z0-9+/=]+|\\n)*")


PICTURES = (b"iVBORw0KGgo", b"/9j/4AA", b"R0lGOD", b"JVBERi0")


class Origin(NamedTuple):
    """Where a segment comes from, and in which line of the stream it begins."""

    stream_line: int
    path: str
    label: str
    """What the place is called before its line: a cell, or a file in an archive; may be empty."""
    line: int
    """The line with which it begins; 0 if its place is the label alone, or an offset."""
    offset: int
    """Where it begins in the file; -1 if its place is a line or a label."""

    def place(self, stream_line: int, column: int) -> str:
        """Return how a person finds it."""
        if self.offset >= 0:
            return f"offset {self.offset + column - 1}"
        if self.line == 0:
            return self.label
        line = f"line {self.line + stream_line - self.stream_line}"
        return f"{self.label}, {line}" if self.label else line


class InputCounter:
    """How many lines and bytes the engine was given, shared with the processes that give them."""

    def __init__(self) -> None:
        self._file = os.memfd_create("given")
        os.pwrite(self._file, bytes(16), 0)

    def write(self, pipe: int, content: bytes) -> int:
        """Give this to the engine, whole, and return the number of its first line."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            lines, size = self.read()
            left = memoryview(content)
            while left:
                left = left[os.write(pipe, left) :]
            lines_after = lines + content.count(b"\n")
            after = lines_after.to_bytes(8, "little") + (size + len(content)).to_bytes(8, "little")
            os.pwrite(self._file, after, 0)
            return lines + 1
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def read(self) -> tuple[int, int]:
        """Return the lines and the bytes."""
        both = os.pread(self._file, 16, 0)
        return int.from_bytes(both[:8], "little"), int.from_bytes(both[8:], "little")

    def close(self) -> None:
        """Forget it."""
        os.close(self._file)


class EngineInput:
    """One process's way to the engine."""

    def __init__(self, pipe: int, count: InputCounter) -> None:
        self._pipe, self._count = pipe, count
        self._waiting: list[bytes] = []
        self._lines = self._bytes = 0
        self._new: list[Origin] = []
        self._origins: list[Origin] = []

    def put_text(self, path: str, label: str, text: bytes, first_line: int) -> None:
        """Give a text, which may be long; with the line 0 its place is the label alone."""
        if any(sign in text for sign in PICTURES):
            text = PICTURE.sub(b"", text)
        start, line = 0, first_line
        while start < len(text):
            piece = text[start : start + SEGMENT_BYTES + OVERLAP]
            self._put(Origin(self._lines, path, label, line, -1), normalised(piece))
            if first_line:
                line += piece.count(b"\n", 0, SEGMENT_BYTES)
            start += SEGMENT_BYTES
            if len(piece) <= SEGMENT_BYTES:
                return

    def put_bytes(self, path: str, label: str, content: bytes, offset: int) -> None:
        """Give what stands at an offset in a file that is no text."""
        for start in range(0, len(content), SEGMENT_BYTES):
            piece = content[start : start + SEGMENT_BYTES + OVERLAP].replace(b"\n", b" ")
            origin = Origin(self._lines, path, label, 0, -1 if label else offset + start)
            self._put(origin, piece)
            if len(piece) <= SEGMENT_BYTES:
                return

    def _put(self, origin: Origin, text: bytes) -> None:
        self._new.append(origin)
        self._waiting.append(text + SEGMENT_END)
        self._lines += text.count(b"\n") + len(SEGMENT_END)
        self._bytes += len(text) + len(SEGMENT_END)
        if self._bytes >= BUFFER_BYTES:
            self._give()

    def _give(self) -> None:
        if not self._waiting:
            return
        first = self._count.write(self._pipe, b"".join(self._waiting))
        self._origins += [each._replace(stream_line=first + each.stream_line) for each in self._new]
        self._waiting, self._new = [], []
        self._lines = self._bytes = 0

    def taken(self) -> list[Origin]:
        """Give what is waiting, and return where all came from that was given since last time."""
        self._give()
        origins, self._origins = self._origins, []
        return origins


def normalised(text: bytes) -> bytes:
    """Return a text as the engine reads it best, line for line."""
    if b"\\" in text or b"\x1b" in text:
        text = text.replace(b"\\u003d", b"=     ")
        text = ESCAPE.sub(lambda match: b" " * len(match[0]), text)
    if b"%3D" in text:
        text = text.replace(b"%3DAKIA", b"  =AKIA").replace(b"%3DASIA", b"  =ASIA")
    return text.replace(b"\r\n", b"\n").replace(SEGMENT_END, FILLED).replace(SEGMENT_END, FILLED)
