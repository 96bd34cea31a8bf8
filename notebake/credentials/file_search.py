"""The work on files: compare each with what is published, and give the engine the others."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, TypedDict, cast

from notebake.credentials.archives import is_archive, members
from notebake.credentials.batches import Batch, Candidate
from notebake.credentials.bounded_reader import BLOCK_BYTES, TAR_MAGIC_OFFSET, Budget, TooLargeError
from notebake.credentials.engine_input import EngineInput, Origin
from notebake.credentials.file_content import add_content
from notebake.credentials.file_name_rules import matching_rules
from notebake.credentials.git_history import add_history
from notebake.credentials.notebooks import LARGEST_NOTEBOOK, add_notebook
from notebake.credentials.package_checksums import (
    Checksum,
    is_checksum_list,
    matches_checksum,
    without_checksums,
)
from notebake.credentials.report import Finding, Unreadable, unreadable_path

SMALL = 1 << 20
"""So much of a file that is known by its name is read to judge it."""
READ = 256 << 10
"""So much is read at once for a checksum: it stays in the processor's cache."""
AHEAD = 8 << 20
"""So much of a file the disk is asked for before it is its turn."""


class BatchResult(TypedDict):
    """What a lot gave beside what the engine will say of it."""

    findings: list[Finding]
    unreadable: list[Unreadable]
    bytes: int
    origins: list[Origin]


class FileSearch:
    """The work on one lot after the other."""

    def __init__(self, root: str, homes: tuple[str, ...], stream: EngineInput) -> None:
        self.root, self.homes, self.stream = root, homes, stream
        self.buffer = memoryview(bytearray(READ))

    def carry_out(self, lot: Batch) -> BatchResult:
        """Compare and search a lot; all of it is asked of the disk at once, before the first."""
        candidates, repository = lot
        part: BatchResult = {"findings": [], "unreadable": [], "bytes": 0, "origins": []}
        opened: list[int | OSError] = []
        try:
            for path, size, _, _ in candidates:
                opened.append(self._open(path, size))
            for candidate, file in zip(candidates, opened, strict=True):
                self._judge(candidate, file, part)
        finally:
            for file in opened:
                if isinstance(file, int):
                    os.close(file)
        if repository:
            part["unreadable"] += add_history(self.stream, self.root, repository)
        # What goes through a pipe between processes is plain.
        part["origins"] = [cast("Origin", tuple(one)) for one in self.stream.taken()]
        return part

    def _open(self, path: str, size: int) -> int | OSError:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = os.open(
                os.path.join(self.root, path),  # noqa: PTH118
                flags | os.O_NOFOLLOW if size else flags,
            )
        except OSError as error:
            return error
        with suppress(OSError):  # it is only advice
            os.posix_fadvise(file, 0, min(size, AHEAD), os.POSIX_FADV_WILLNEED)
        return file

    def _judge(self, candidate: Candidate, file: int | OSError, part: BatchResult) -> None:
        """Leave a file out, with what was compiled from it, or search all of them."""
        path, size, sums, compiled = candidate
        if self._is_published(file, size, sums):
            return
        if size:
            self._search(path, size, file, part)
        for path, size, sums in compiled:
            late = self._open(path, size)
            try:
                self._judge((path, size, sums, []), late, part)
            finally:
                if isinstance(late, int):
                    os.close(late)

    def _is_published(self, file: int | OSError, size: int, sums: list[Checksum]) -> bool:
        if not sums or isinstance(file, OSError):
            return False
        try:
            return matches_checksum(file, size, sums, self.buffer)
        except OSError:
            return False

    def _search(self, path: str, size: int, file: int | OSError, part: BatchResult) -> None:
        """Search a file that is not as published, by its name and by its content."""
        if isinstance(file, FileNotFoundError):
            return  # gone since it was listed: it will not be in the image
        try:
            if isinstance(file, OSError):
                raise file
            for rule in matching_rules(path, self.homes, lambda: os.pread(file, SMALL, 0)):
                part["findings"].append({"rule": rule, "path": f"/{path}", "place": ""})
            self._put(path, size, file)
            part["bytes"] += size
        except OSError as error:
            part["unreadable"].append(unreadable_path(path, error))
        except TooLargeError as error:
            part["unreadable"].append({"path": f"/{path}", "reason": str(error)})

    def _put(self, path: str, size: int, file: int) -> None:
        if path.endswith(".ipynb") and size <= LARGEST_NOTEBOOK:
            content = os.pread(file, size, 0)
            if not add_notebook(self.stream, path, "", content):
                self.stream.put_text(path, "no valid notebook", content, 0)
            return
        if is_checksum_list(path) and size <= BLOCK_BYTES:
            content = without_checksums(path, os.pread(file, size, 0))
            add_content(self.stream, path, "", [(0, content)])
            return
        add_content(self.stream, path, "", data_blocks(file, size))
        head = os.pread(file, TAR_MAGIC_OFFSET + 8, 0)
        if is_archive(head):
            with open(file, "rb", closefd=False) as archive:
                self._put_members(path, archive, head)

    def _put_members(self, path: str, archive: BinaryIO, head: bytes) -> None:
        archive.seek(0)
        for name, content in members(archive, head, Budget()):
            if name.endswith(".ipynb"):
                whole = content.read(LARGEST_NOTEBOOK)
                if not add_notebook(self.stream, path, name, whole):
                    self.stream.put_text(path, name, whole, 0)
            # Of a notebook, what is beyond that.
            add_content(self.stream, path, name or "unpacked", content.blocks())


def data_blocks(file: int, size: int) -> Iterator[tuple[int, bytes]]:
    """Give a file in blocks, without its holes."""
    position = 0
    while position < size:
        try:
            position = os.lseek(file, position, os.SEEK_DATA)
            end = min(os.lseek(file, position, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole follows
                return
            raise
        while position < end:
            block = os.pread(file, min(BLOCK_BYTES, end - position), position)
            if not block:
                return
            yield position, block
            position += len(block)
