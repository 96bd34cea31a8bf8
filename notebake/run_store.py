"""The run store: where runs keep what was asked, under relative slash keys.

The verbs are those that both a directory (link, rename) and S3 (If-None-Match, If-Match) can keep.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from notebake import clock
from notebake.errors import RunStoreError
from notebake.private_file import create_file, delete_file, locked, write_file

# No part begins with a dot: neither `..` nor our own temporary and lock files can be a key.
KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class Stored:
    """What is kept under a key, and the tag of exactly this content."""

    content: bytes
    version: str


class RunStore(Protocol):
    """A place that keeps bytes under keys and refuses to overwrite by accident."""

    @property
    def location(self) -> str:
        """What `open_store` opens it by."""

    def read(self, key: str) -> Stored | None:
        """Return what is kept under the key, or None."""

    def create(self, key: str, content: bytes) -> bool:
        """Keep the content if nothing is there; say whether it was kept."""

    def replace(self, key: str, content: bytes, *, version: str) -> bool:
        """Keep the content if what is there is unchanged; say whether it was kept."""

    def write(self, key: str, content: bytes) -> None:
        """Keep the content whatever is there."""

    def read_all(self, keys: Iterable[str]) -> list[Stored]:
        """Return what is kept under many keys, in their order, without those that are not there."""

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with the prefix, sorted."""

    def list_first_parts(self) -> tuple[str, ...]:
        """Return what keys begin with before their first slash, sorted."""

    def delete(self, key: str) -> None:
        """Remove what is kept under the key, if anything is."""

    def local_path(self, key: str) -> Path | None:
        """Return the file that programs on this machine may open; None where there is none."""

    def where(self, key: str) -> str:
        """Return where it is kept, for people: a path, or an s3:// name."""

    def clock(self) -> float:
        """Return seconds since 1970 by the clock of all who share the store."""


class DirectoryStore:
    """A directory of private files: each is complete or absent, also after a kill."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def location(self) -> str:
        """The directory."""
        return str(self._root)

    def read(self, key: str) -> Stored | None:
        """Return what is kept under the key, or None."""
        path = self._path(key)
        with _reports("read", path):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
        return Stored(content, _version_of(content))

    def create(self, key: str, content: bytes) -> bool:
        """Keep the content if nothing is there; say whether it was kept."""
        path = self._path(key)
        with _reports("create", path):
            return create_file(path, content)

    def replace(self, key: str, content: bytes, *, version: str) -> bool:
        """Keep the content if what is there is unchanged; say whether it was kept."""
        path = self._path(key)
        with _reports("replace", path), locked(path.parent):
            stored = self.read(key)
            if stored is None or stored.version != version:
                return False
            write_file(path, content)
            return True

    def write(self, key: str, content: bytes) -> None:
        """Keep the content whatever is there."""
        path = self._path(key)
        with _reports("write", path), locked(path.parent):
            write_file(path, content)

    def read_all(self, keys: Iterable[str]) -> list[Stored]:
        """Return what is kept under many keys, in their order, without those that are not there."""
        return [stored for key in keys if (stored := self.read(key))]

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with the prefix, sorted."""
        if prefix:
            check_key(prefix.removesuffix("/"))
        top, keys = self._root / prefix.rpartition("/")[0], []
        with _reports("list", top):
            for directory, _, names in os.walk(top, onerror=_raise_unless_absent):
                parent = Path(directory).relative_to(self._root)
                keys += [(parent / name).as_posix() for name in names if name[0] != "."]
        return sorted(key for key in keys if key.startswith(prefix))

    def list_first_parts(self) -> tuple[str, ...]:
        """Return the names of the directories in the store, sorted."""
        with _reports("list", self._root):
            try:
                found = list(self._root.iterdir())
            except FileNotFoundError:
                return ()
        names = [path.name for path in found if path.is_dir()]
        return tuple(sorted(name for name in names if name[0] != "."))

    def delete(self, key: str) -> None:
        """Remove what is kept under the key, if anything is."""
        path = self._path(key)
        if not path.exists():
            return
        with _reports("delete", path), locked(path.parent):
            delete_file(path)

    def local_path(self, key: str) -> Path:
        """Return the file that programs on this machine may open, whether it exists or not."""
        return self._path(key)

    def where(self, key: str) -> str:
        """Return the path of the file."""
        return str(self._path(key))

    def clock(self) -> float:
        """Return this machine's time: a directory is shared by its own processes."""
        return clock.now()

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)


def open_store(location: str) -> RunStore:
    """Return the store at a directory, or at `s3://bucket/prefix`.

    Raises:
        RunStoreError: no place on S3 can be called so.
    """
    if location.startswith("s3://"):
        # boto3 takes a while to import; a directory does without.
        from notebake.aws.object_store import s3_store

        return s3_store(location)
    return DirectoryStore(Path(location).expanduser().absolute())


def default_location() -> str:
    """Return $NOTEBAKE_RUNS, or the directory in the home of whoever runs this."""
    return os.environ.get("NOTEBAKE_RUNS") or str(Path.home() / ".notebake" / "runs")


def check_key(key: str) -> str:
    """Return the key if it stays inside the store; RunStoreError otherwise."""
    if not KEY.fullmatch(key):
        raise RunStoreError(f"Not a key of a run store: {key!r}")
    return key


def _version_of(content: bytes) -> str:
    """Return the tag of a content: like an S3 etag it tells contents apart, not moments."""
    return hashlib.sha256(content).hexdigest()


def _raise_unless_absent(error: OSError) -> None:
    """Let nothing that cannot be read pass for empty, as `os.walk` would."""
    if not isinstance(error, FileNotFoundError):
        raise error


@contextmanager
def _reports(verb: str, path: Path) -> Iterator[None]:
    """Turn what the file system answers into one sentence."""
    try:
        yield
    except OSError as error:
        raise RunStoreError(
            f"The run store could not {verb} {path}: {error.strerror or error}",
            hint="NOTEBAKE_RUNS may name another directory for the run store.",
        ) from error
