"""Reads unpacked content within bounds, as far as a broken archive allows."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO, cast

UNPACKED_BYTES = 4 << 30
"""Limit on the bytes unpacked from one file, nested archives included."""
MOST_MEMBERS = 500_000
BLOCK_BYTES = 4 << 20
TAR_MAGIC_OFFSET = 257
ARCHIVE_ERRORS = (
    EOFError, OSError, RuntimeError, NotImplementedError, ValueError, zlib.error, lzma.LZMAError,
    tarfile.TarError, zipfile.BadZipFile,
)  # fmt: skip
"""The standard library raises these for archives that are broken, encrypted, or too new."""


class TooLargeError(Exception):
    """An archive exceeds a bound on its size, members or nesting."""


class Budget:
    """The bytes and members that may still be unpacked from one file."""

    def __init__(self) -> None:
        self.bytes, self.members = UNPACKED_BYTES, MOST_MEMBERS

    def take_bytes(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            raise TooLargeError(f"unpacked it is larger than {UNPACKED_BYTES >> 30} GiB")

    def take_member(self) -> None:
        self.members -= 1
        if self.members < 0:
            raise TooLargeError(f"it contains more than {MOST_MEMBERS} files")


class BoundedReader:
    """Reads a stream as far as the budget allows."""

    def __init__(self, stream: BinaryIO, budget: Budget) -> None:
        self._stream = BufferedReader(cast("BufferedReader", stream), 64 << 10)
        self._budget = budget

    def head(self) -> bytes:
        """Return the beginning without consuming it."""
        return self._stream.peek(TAR_MAGIC_OFFSET + 8)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Yield blocks with their offsets, as far as the content can be read."""
        offset = 0
        while block := self.read(BLOCK_BYTES):
            yield offset, block
            offset += len(block)

    def read(self, size: int) -> bytes:
        """Return this many bytes, or fewer at the end or where the archive is broken."""
        parts = []
        while size > 0:
            try:
                part = self._stream.read1(min(size, 1 << 20))
            except ARCHIVE_ERRORS:
                break
            if not part:
                break
            self._budget.take_bytes(len(part))
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
