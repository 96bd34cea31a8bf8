"""Files that are complete or absent, even after a kill, and that only the user may read."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def write_file(path: Path, content: bytes) -> None:
    """Write the file, or replace it."""
    with _complete_file(path.parent, content) as complete:
        complete.replace(path)
    _flush_directory(path.parent)


def create_file(path: Path, content: bytes) -> bool:
    """Write the file unless it exists; return whether it was written."""
    with _complete_file(path.parent, content) as complete:
        try:
            path.hardlink_to(complete)
        except FileExistsError:
            return False
    _flush_directory(path.parent)
    return True


def delete_file(path: Path) -> None:
    """Delete the file, if it exists."""
    path.unlink(missing_ok=True)
    _flush_directory(path.parent)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Wait for the directory's lock and hold it; the kernel releases it if its holder dies."""
    make_private_directory(directory)
    # Python opens files so that no program that it starts inherits them (PEP 446).
    handle = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, mode=0o600)
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def make_private_directory(directory: Path) -> None:
    """Create the directory and its missing parents with mode 0700."""
    if not directory.is_dir():
        make_private_directory(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def _complete_file(directory: Path, content: bytes) -> Iterator[Path]:
    """Give a temporary file of mode 0600 with the content; delete it afterwards."""
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
    """Make sure that a file just created or deleted in the directory survives a power cut."""
    if sys.platform == "win32":  # which opens no directories
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
