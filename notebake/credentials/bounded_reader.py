"""What is unpacked of an archive, read within bounds and as far as it can be."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO, cast

UNPACKED_BYTES = 4 << 30
"""So much is unpacked of one file of the machine, with all that is in it."""
MOST_MEMBERS = 500_000
BLOCK_BYTES = 4 << 20
TAR_MAGIC_OFFSET = 257
"""Where a tar says that it is one."""
ARCHIVE_ERRORS = (
    EOFError, OSError, RuntimeError, NotImplementedError, ValueError, zlib.error, lzma.LZMAError,
    tarfile.TarError, zipfile.BadZipFile,
)  # fmt: skip
"""What the standard library says of archives that are broken, encrypted, or of a newer form."""


class TooLargeError(Exception):
    """An archive holds more than is unpacked, or is nested deeper."""


class Budget:
    """What may still be unpacked of one file of the machine."""

    def __init__(self) -> None:
        self.bytes, self.members = UNPACKED_BYTES, MOST_MEMBERS

    def take(self, size: int) -> None:
        """Count what was unpacked."""
        self.bytes -= size
        if self.bytes < 0:
            raise TooLargeError(f"unpacked it is larger than {UNPACKED_BYTES >> 30} GiB")

    def enter(self) -> None:
        """Count one more file."""
        self.members -= 1
        if self.members < 0:
            raise TooLargeError(f"there are more than {MOST_MEMBERS} files in it")


class BoundedReader:
    """A stream of which no more can be read than the budget allows, in blocks with offsets."""

    def __init__(self, stream: BinaryIO, budget: Budget) -> None:
        self._stream = BufferedReader(cast("BufferedReader", stream), 64 << 10)
        self._budget = budget

    def head(self) -> bytes:
        """Return the beginning, which stays to be read."""
        return self._stream.peek(TAR_MAGIC_OFFSET + 8)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Give the content in blocks, as far as it can be read."""
        offset = 0
        while block := self.read(BLOCK_BYTES):
            yield offset, block
            offset += len(block)

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end or where the archive is broken."""
        parts = []
        while size > 0:
            try:
                part = self._stream.read1(min(size, 1 << 20))
            except ARCHIVE_ERRORS:
                break
            if not part:
                break
            self._budget.take(len(part))
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
