"""The files inside archives and compressed files, read in memory and within bounds.

Zip, tar, gzip, bzip2 and xz, also in each other. What is broken or encrypted gives as much as can
be read of it by anybody: that is no fault of the search. What is larger or deeper than the bounds
is: it counts against the machine. Zstandard, 7z and rar are not looked into.
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
"""A zip inside another archive is held in memory; it may be so large."""
DEEPEST = 4

STREAMS: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
ZIP = b"PK\x03\x04"


class Member(NamedTuple):
    """A file in an archive; `content` is to be read before the next one is asked for."""

    name: str
    content: BoundedReader


def is_archive(head: bytes) -> bool:
    """Say whether a content that begins like this can be looked into."""
    packed = (ZIP, *STREAMS)
    return head.startswith(packed) or head[TAR_MAGIC_OFFSET : TAR_MAGIC_OFFSET + 5] == b"ustar"


def members(stream: BinaryIO, head: bytes, budget: Budget, depth: int = 1) -> Iterator[Member]:
    """Give the files in an archive, those of archives inside it as well.

    Raises:
        TooLargeError: a bound was reached.
    """
    if depth > DEEPEST:
        raise TooLargeError(f"archives lie in each other more than {DEEPEST} deep")
    try:
        for name, opened in _opened(stream, head):
            budget.enter()
            content = BoundedReader(opened, budget)
            try:
                inner = content.head()
            except ARCHIVE_ERRORS:
                continue
            if not is_archive(inner):
                yield Member(name, content)
                continue
            for member in members(_held(content, inner), inner, budget, depth + 1):
                yield Member(f"{name}!{member.name}" if name else member.name, member.content)
    except ARCHIVE_ERRORS:
        return


def _opened(stream: BinaryIO, head: bytes) -> Iterator[tuple[str, BinaryIO]]:
    if head.startswith(ZIP):
        yield from _in_zip(stream)
    elif head[TAR_MAGIC_OFFSET : TAR_MAGIC_OFFSET + 5] == b"ustar":
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
            # It keeps all entries for a second look, which nobody takes.
            archive.members = []  # type: ignore[attr-defined]


def _held(content: BoundedReader, head: bytes) -> BinaryIO:
    """Return a content as what an archive is read from: a zip must be whole, others may flow."""
    if not head.startswith(ZIP):
        return cast("BinaryIO", content)
    held = content.read(NESTED_BYTES + 1)
    if len(held) > NESTED_BYTES:
        raise TooLargeError(f"a zip in it is larger than {NESTED_BYTES >> 20} MiB")
    return BytesIO(held)
