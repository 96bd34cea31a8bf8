"""The engine's input: texts in segments, each traceable to its file by its lines.

Several processes write to one engine. The engine reads its input in chunks and splits them only at
two consecutive empty lines, up to 25 kB later (Betterleaks 1.7, sources/common.go,
readUntilSafeBoundary). So a segment is shorter, contains no empty lines, and ends with two: the
engine never splits it, and finds each credential in it.
"""

import fcntl
import os
import re
from typing import NamedTuple

SEGMENT_BYTES = 20_000
OVERLAP = 2_000
"""Bytes that consecutive segments of a text share, so that no credential is split."""
BUFFER_BYTES = 1 << 20
"""How much is collected before it is written to the engine."""
SEGMENT_END = b"\n\n"
# For the engine, a form feed is white space, and a line that contains one is not empty.
FILLED = b"\n\f\n"
# Escapes in source code that a word may directly follow (\n, \t), and terminal colours.
ESCAPE = re.compile(rb"\\+[nrtbf]|\x1b\[[\d;]*[A-Za-z]")
PICTURE_HEADS = (b"iVBORw0KGgo", b"/9j/4AA", b"R0lGOD", b"JVBERi0")
"""How PNG, JPEG, GIF and PDF begin in base64, as in notebooks."""
PICTURE = re.compile(rb"(?:" + b"|".join(PICTURE_HEADS) + rb")(?:[A-Za-z0-9+/=]+|\\n)*")


class Origin(NamedTuple):
    """The file that a segment comes from, and the line of the input at which it begins."""

    input_line: int
    path: str
    label: str
    """The place within the file, such as a cell or an archive member; may be empty."""
    line: int
    """The segment's first line in the file; 0 if its place is an offset or the label alone."""
    offset: int
    """The segment's offset in the file; -1 if its place is a line or a label."""

    def place(self, input_line: int, column: int) -> str:
        """Return a place in the segment as a person would look it up."""
        if self.offset >= 0:
            return f"offset {self.offset + column - 1}"
        if self.line == 0:
            return self.label
        line = f"line {self.line + input_line - self.input_line}"
        return f"{self.label}, {line}" if self.label else line


class InputCounter:
    """The number of lines and bytes written to the engine, shared between processes."""

    def __init__(self) -> None:
        self._file = os.memfd_create("counter")
        os.pwrite(self._file, bytes(16), 0)

    def write(self, pipe: int, content: bytes) -> int:
        """Write the whole content to the engine, and return the number of its first line."""
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
        both = os.pread(self._file, 16, 0)
        return int.from_bytes(both[:8], "little"), int.from_bytes(both[8:], "little")

    def close(self) -> None:
        os.close(self._file)


class EngineInput:
    """One process's buffered writer to the engine."""

    def __init__(self, pipe: int, counter: InputCounter) -> None:
        self._pipe, self._counter = pipe, counter
        self._buffer: list[bytes] = []
        self._lines = self._bytes = 0
        self._buffered_origins: list[Origin] = []
        self._origins: list[Origin] = []

    def add_text(self, path: str, label: str, text: bytes, first_line: int) -> None:
        """Add a text of any length; with first line 0, its place is the label alone."""
        if any(head in text for head in PICTURE_HEADS):
            text = PICTURE.sub(b"", text)
        start, line = 0, first_line
        while start < len(text):
            piece = text[start : start + SEGMENT_BYTES + OVERLAP]
            self._add(Origin(self._lines, path, label, line, -1), normalised(piece))
            if first_line:
                line += piece.count(b"\n", 0, SEGMENT_BYTES)
            start += SEGMENT_BYTES
            if len(piece) <= SEGMENT_BYTES:
                return

    def add_bytes(self, path: str, label: str, content: bytes, offset: int) -> None:
        """Add a part of a binary file, which begins at this offset."""
        for start in range(0, len(content), SEGMENT_BYTES):
            piece = content[start : start + SEGMENT_BYTES + OVERLAP].replace(b"\n", b" ")
            origin = Origin(self._lines, path, label, 0, -1 if label else offset + start)
            self._add(origin, piece)
            if len(piece) <= SEGMENT_BYTES:
                return

    def _add(self, origin: Origin, segment: bytes) -> None:
        self._buffered_origins.append(origin)
        self._buffer.append(segment + SEGMENT_END)
        self._lines += segment.count(b"\n") + len(SEGMENT_END)
        self._bytes += len(segment) + len(SEGMENT_END)
        if self._bytes >= BUFFER_BYTES:
            self._write()

    def _write(self) -> None:
        if not self._buffer:
            return
        first = self._counter.write(self._pipe, b"".join(self._buffer))
        self._origins += [
            origin._replace(input_line=first + origin.input_line)
            for origin in self._buffered_origins
        ]
        self._buffer, self._buffered_origins = [], []
        self._lines = self._bytes = 0

    def flush(self) -> list[Origin]:
        """Write the buffer, and return the origins of all segments since the last flush."""
        self._write()
        origins, self._origins = self._origins, []
        return origins


def normalised(text: bytes) -> bytes:
    """Return a text in the form in which the engine finds most, line for line."""
    if b"\\" in text or b"\x1b" in text:
        text = text.replace(b"\\u003d", b"=     ")
        text = ESCAPE.sub(lambda match: b" " * len(match[0]), text)
    if b"%3D" in text:
        text = text.replace(b"%3DAKIA", b"  =AKIA").replace(b"%3DASIA", b"  =ASIA")
    text = text.replace(b"\r\n", b"\n")
    return text.replace(SEGMENT_END, FILLED).replace(SEGMENT_END, FILLED)
