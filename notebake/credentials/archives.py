"""Yields the files inside archives and compressed files, read in memory and within bounds.

Zip, tar, gzip, bzip2 and xz, also nested. Of a broken or encrypted archive, what can be read is
scanned; the rest is not reported, as nobody else could read it either. An archive that exceeds the
bounds is reported. Zstandard, 7z and rar are not unpacked.
"""

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple, cast

from notebake.credentials.bounded_reader import (
    ARCHIVE_ERRORS,
    TAR_MAGIC_OFFSET,
    BoundedReader,
    Budget,
    TooLargeError,
)

NESTED_BYTES = 256 << 20
"""Limit on a zip inside another archive, which is held in memory."""
DEEPEST = 4

STREAMS: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
ZIP = b"PK\x03\x04"


class Member(NamedTuple):
    """A file in an archive; read `content` before requesting the next member."""

    name: str
    content: BoundedReader


def is_archive(head: bytes) -> bool:
    """Return whether content with this beginning is an archive that can be unpacked."""
    return head.startswith((ZIP, *STREAMS)) or is_tar(head)


def is_tar(head: bytes) -> bool:
    """Return whether content with this beginning is a tar archive."""
    return head[TAR_MAGIC_OFFSET : TAR_MAGIC_OFFSET + 5] == b"ustar"


def members(stream: BinaryIO, head: bytes, budget: Budget, depth: int = 1) -> Iterator[Member]:
    """Yield the files in an archive and in the archives nested in it.

    Raises:
        TooLargeError: a bound was exceeded.
    """
    if depth > DEEPEST:
        raise TooLargeError(f"archives are nested more than {DEEPEST} deep")
    try:
        for name, opened in _opened(stream, head):
            budget.take_member()
            content = BoundedReader(opened, budget)
            try:
                inner = content.head()
            except ARCHIVE_ERRORS:
                continue
            if not is_archive(inner):
                yield Member(name, content)
                continue
            for member in members(_seekable(content, inner), inner, budget, depth + 1):
                yield Member(f"{name}!{member.name}" if name else member.name, member.content)
    except ARCHIVE_ERRORS:
        return


def _opened(stream: BinaryIO, head: bytes) -> Iterator[tuple[str, BinaryIO]]:
    if head.startswith(ZIP):
        yield from _in_zip(stream)
    elif is_tar(head):
        yield from _in_tar(stream)
    else:
        unpack = next(unpack for magic, unpack in STREAMS.items() if head.startswith(magic))
        yield "", cast("BinaryIO", unpack(stream))


def _in_zip(stream: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    with zipfile.ZipFile(stream) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            try:
                opened = archive.open(entry)
            except ARCHIVE_ERRORS:
                continue
            with opened:
                yield entry.filename, cast("BinaryIO", opened)


def _in_tar(stream: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for entry in archive:
            opened = archive.extractfile(entry) if entry.isreg() else None
            if opened:
                yield entry.name, cast("BinaryIO", opened)
            # tarfile keeps all entries in memory, which are not needed again.
            archive.members = []  # type: ignore[attr-defined]


def _seekable(content: BoundedReader, head: bytes) -> BinaryIO:
    """Return a nested archive as a stream; a zip, which must be seekable, is read into memory."""
    if not head.startswith(ZIP):
        return cast("BinaryIO", content)
    whole = content.read(NESTED_BYTES + 1)
    if len(whole) > NESTED_BYTES:
        raise TooLargeError(f"a zip in it is larger than {NESTED_BYTES >> 20} MiB")
    return BytesIO(whole)
