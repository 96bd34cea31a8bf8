"""The files of a dataset in batches for the transfer to a host, with their checksums."""

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LARGE_BYTES = 16 * 2**20
"""A file of this size is copied by itself, and continued if the connection breaks."""
BATCH_BYTES = 64 * 2**20
NAME_ERRORS = "surrogateescape"
"""How Python represents names that are not UTF-8 (PEP 383)."""


@dataclass(frozen=True)
class Batch:
    """Some files of a folder; the name depends on their content, so none is transferred twice."""

    files: tuple[Path, ...]
    name: str
    is_large: bool = False


def make_batches(local: Path, digests: dict[Path, str]) -> Iterator[Batch]:
    """Yield all paths of a folder, empty directories included, always in the same order."""
    pending: list[Path] = []
    size = 0
    for path in sorted(local.rglob("*")):
        is_file = path in digests
        length = path.stat().st_size if is_file else 0
        if length >= LARGE_BYTES and is_utf8(path):
            yield Batch((path,), batch_name(local, [path], digests), is_large=True)
            continue
        if pending and size + length > BATCH_BYTES:
            yield Batch(tuple(pending), batch_name(local, pending, digests))
            pending, size = [], 0
        pending.append(path)
        size += length
    if pending:
        yield Batch(tuple(pending), batch_name(local, pending, digests))


def is_utf8(path: Path) -> bool:
    """Return whether the path is UTF-8, as sftp requires; other paths go into archives."""
    return not any("\udc80" <= letter <= "\udcff" for letter in str(path))


def batch_name(local: Path, paths: list[Path], digests: dict[Path, str]) -> str:
    """Return a name that depends on the names and the content of the files."""
    whole = hashlib.sha256()
    for path in paths:
        line = f"{digests.get(path, '')} {path.relative_to(local)}\0"
        whole.update(line.encode("utf-8", NAME_ERRORS))
    return whole.hexdigest()


def pack(archive: Path, local: Path, paths: tuple[Path, ...]) -> None:
    """Write a reproducible archive: it does not depend on when the files were downloaded."""
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as packed:
        for path in paths:
            entry = packed.gettarinfo(path, str(path.relative_to(local)))
            entry.mtime, entry.mode = 0, 0o755 if path.is_dir() else 0o644
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            if entry.isreg():
                with path.open("rb") as content:
                    packed.addfile(entry, content)
            else:
                packed.addfile(entry)


def list_files(local: Path) -> list[Path]:
    """Return the file itself, or the files of a folder."""
    paths = [local] if local.is_file() else local.rglob("*")
    return sorted(path for path in paths if path.is_file())


def format_checksums(local: Path, name: str, digests: dict[Path, str]) -> bytes:
    """Return the list for `sha256sum --check`, relative to the folder, or for the one file."""
    lines = []
    for path, digest in digests.items():
        shown = name if path == local else str(PurePosixPath(path.relative_to(local)))
        # sha256sum escapes names that contain a newline (GNU coreutils manual, md5sum).
        escaped = shown.replace("\\", "\\\\").replace("\n", "\\n")
        mark = "\\" if escaped != shown else ""
        lines.append(f"{mark}{digest}  {escaped}\n")
    return "".join(lines).encode("utf-8", NAME_ERRORS)


def digest_file(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
