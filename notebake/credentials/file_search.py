"""Scans batches of files: skips unmodified files of packages, and passes others to the engine."""

import os
from contextlib import suppress
from typing import BinaryIO, TypedDict, cast

from notebake.credentials.archives import is_archive, members
from notebake.credentials.batches import Batch, Candidate
from notebake.credentials.bounded_reader import (
    BLOCK_BYTES,
    TAR_MAGIC_OFFSET,
    Budget,
    TooLargeError,
)
from notebake.credentials.engine_input import EngineInput, Origin
from notebake.credentials.file_content import (
    LARGEST_NOTEBOOK,
    add_content,
    add_notebook,
    data_blocks,
)
from notebake.credentials.file_name_rules import matching_rules
from notebake.credentials.git_history import add_history
from notebake.credentials.package_checksums import (
    Checksum,
    is_checksum_list,
    matches_checksum,
    without_checksums,
)
from notebake.credentials.report import Finding, Unreadable, unreadable_path

RULE_BYTES = 1 << 20
"""How much of a file the rules by file name read."""
READ_BYTES = 256 << 10
"""Read size for checksums: it stays in the processor's cache."""
READ_AHEAD_BYTES = 8 << 20
"""How much of each file is requested from the disk in advance."""


class BatchResult(TypedDict):
    """The result of a batch, except for what the engine will report."""

    findings: list[Finding]
    unreadable: list[Unreadable]
    bytes: int
    origins: list[Origin]


class FileSearch:
    """Scans one batch after the other in one process."""

    def __init__(self, root: str, homes: tuple[str, ...], engine: EngineInput) -> None:
        self.root, self.homes, self.engine = root, homes, engine
        self.buffer = memoryview(bytearray(READ_BYTES))

    def scan_batch(self, batch: Batch) -> BatchResult:
        """Scan a batch; all its files are requested from the disk before the first is read."""
        candidates, repository = batch
        result: BatchResult = {"findings": [], "unreadable": [], "bytes": 0, "origins": []}
        opened: list[int | OSError] = []
        try:
            for path, size, _, _ in candidates:
                opened.append(self._open(path, size))
            for candidate, file in zip(candidates, opened, strict=True):
                self._scan_unless_published(candidate, file, result)
        finally:
            for file in opened:
                if isinstance(file, int):
                    os.close(file)
        if repository:
            result["unreadable"] += add_history(self.engine, self.root, repository)
        # marshal, which sends the result through a pipe, knows plain tuples only.
        result["origins"] = [cast("Origin", tuple(origin)) for origin in self.engine.flush()]
        return result

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
            os.posix_fadvise(file, 0, min(size, READ_AHEAD_BYTES), os.POSIX_FADV_WILLNEED)
        return file

    def _scan_unless_published(
        self, candidate: Candidate, file: int | OSError, result: BatchResult
    ) -> None:
        """Skip an unmodified file and its bytecode, or scan both."""
        path, size, checksums, compiled = candidate
        if self._is_published(file, size, checksums):
            return
        if size:
            self._scan(path, size, file, result)
        for path, size, checksums in compiled:
            bytecode = self._open(path, size)
            try:
                self._scan_unless_published((path, size, checksums, []), bytecode, result)
            finally:
                if isinstance(bytecode, int):
                    os.close(bytecode)

    def _is_published(self, file: int | OSError, size: int, checksums: list[Checksum]) -> bool:
        if not checksums or isinstance(file, OSError):
            return False
        try:
            return matches_checksum(file, size, checksums, self.buffer)
        except OSError:
            return False

    def _scan(self, path: str, size: int, file: int | OSError, result: BatchResult) -> None:
        if isinstance(file, FileNotFoundError):
            return  # deleted since it was listed, so it will not be in the image
        try:
            if isinstance(file, OSError):
                raise file
            for rule in matching_rules(path, self.homes, lambda: os.pread(file, RULE_BYTES, 0)):
                result["findings"].append({"rule": rule, "path": f"/{path}", "place": ""})
            self._add_content(path, size, file)
            result["bytes"] += size
        except OSError as error:
            result["unreadable"].append(unreadable_path(path, error))
        except TooLargeError as error:
            result["unreadable"].append({"path": f"/{path}", "reason": str(error)})

    def _add_content(self, path: str, size: int, file: int) -> None:
        if path.endswith(".ipynb") and size <= LARGEST_NOTEBOOK:
            content = os.pread(file, size, 0)
            if not add_notebook(self.engine, path, "", content):
                self.engine.add_text(path, "invalid notebook", content, 0)
            return
        if is_checksum_list(path) and size <= BLOCK_BYTES:
            content = without_checksums(path, os.pread(file, size, 0))
            add_content(self.engine, path, "", [(0, content)])
            return
        add_content(self.engine, path, "", data_blocks(file, size))
        head = os.pread(file, TAR_MAGIC_OFFSET + 8, 0)
        if is_archive(head):
            with open(file, "rb", closefd=False) as archive:
                self._add_members(path, archive, head)

    def _add_members(self, path: str, archive: BinaryIO, head: bytes) -> None:
        archive.seek(0)
        for name, content in members(archive, head, Budget()):
            if name.endswith(".ipynb"):
                whole = content.read(LARGEST_NOTEBOOK)
                if not add_notebook(self.engine, path, name, whole):
                    self.engine.add_text(path, name, whole, 0)
            # Of a notebook, this is what exceeds LARGEST_NOTEBOOK.
            add_content(self.engine, path, name or "unpacked", content.blocks())
