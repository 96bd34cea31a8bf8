"""Files that are complete or absent, also after a kill, and that nobody else may read."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Put the content in place, whatever is there."""
    with _complete_file(path.parent, content) as complete:
        complete.replace(path)
    _flush_directory(path.parent)


def create_file(path: Path, content: bytes) -> bool:
    """Put the content in place unless something is there; say whether it was put."""
    with _complete_file(path.parent, content) as complete:
        try:
            path.hardlink_to(complete)
        except FileExistsError:
            return False
    _flush_directory(path.parent)
    return True


def delete_file(path: Path) -> None:
    """Remove the file, if it is there."""
    path.unlink(missing_ok=True)
    _flush_directory(path.parent)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Wait for the directory's lock and hold it; the kernel frees it when its holder dies."""
    make_private_directory(directory)
    handle = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode=0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def make_private_directory(directory: Path) -> None:
    """Make the directory and those above it, those that are missing with mode 0700."""
    if not directory.is_dir():
        make_private_directory(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def _complete_file(directory: Path, content: bytes) -> Iterator[Path]:
    """Give a temporary file of mode 0600 that holds the content; it is gone afterwards."""
    make_private_directory(directory)
    handle, name = tempfile.mkstemp(dir=directory, prefix=".new-")
    complete = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield complete
    finally:
        complete.unlink(missing_ok=True)


def _flush_directory(directory: Path) -> None:
    """Make sure that a name just given or taken away survives a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
