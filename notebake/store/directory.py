"""The run store in a directory of private files."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from notebake import clock
from notebake.errors import RunStoreError
from notebake.local.atomic_files import create_file, delete_file, locked, write_file
from notebake.local.home import hint_for_runs
from notebake.store.interface import Stored, check_key
from notebake.store.versions import Version, Versioning


class DirectoryStore:
    """A directory of private files; each is complete or absent, even after a kill."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def location(self) -> str:
        return str(self._root)

    def read(self, key: str) -> Stored | None:
        path = self._path(key)
        with self._store_errors("read", path):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
        # Like an S3 etag, the version depends on the content alone.
        return Stored(content, hashlib.sha256(content).hexdigest())

    def create(self, key: str, content: bytes) -> bool:
        path = self._path(key)
        with self._store_errors("create", path):
            return create_file(path, content)

    def replace(self, key: str, content: bytes, *, version: str) -> bool:
        path = self._path(key)
        with self._store_errors("replace", path), locked(path.parent):
            stored = self.read(key)
            if stored is None or stored.version != version:
                return False
            write_file(path, content)
            return True

    def write(self, key: str, content: bytes) -> None:
        path = self._path(key)
        with self._store_errors("write", path), locked(path.parent):
            write_file(path, content)

    def read_all(self, keys: Iterable[str]) -> list[Stored]:
        return [stored for key in keys if (stored := self.read(key))]

    def list(self, prefix: str) -> list[str]:
        if prefix:
            check_key(prefix.removesuffix("/"))
        top = prefix.rpartition("/")[0]
        with self._store_errors("list", self._root / top):
            keys = [*_files_below(str(self._root / top), f"{top}/" if top else "")]
        return sorted(key for key in keys if key.startswith(prefix))

    def list_top_level(self, prefix: str = "") -> tuple[str, ...]:
        top = self._root / prefix
        with self._store_errors("list", top):
            try:
                with os.scandir(top) as found:
                    names = [entry.name for entry in found if entry.is_dir()]
            except FileNotFoundError:
                return ()
        return tuple(sorted(name for name in names if name[0] != "."))

    def delete(self, key: str) -> None:
        path = self._path(key)
        if not path.exists():
            return
        with self._store_errors("delete", path), locked(path.parent):
            delete_file(path)

    def local_path(self, key: str) -> Path:
        return self._path(key)

    def where(self, key: str) -> str:
        return str(self._path(key))

    def clock(self) -> float:
        """Return this machine's time: only its own processes share the directory."""
        return clock.now()

    def versioning(self) -> Versioning:
        return Versioning.NEVER

    def versions(self, prefix: str) -> Iterator[tuple[Version, ...]]:
        del prefix
        yield from ()

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    @contextmanager
    def _store_errors(self, verb: str, path: Path) -> Iterator[None]:
        """Turn an OSError of the block into a RunStoreError."""
        try:
            yield
        except OSError as error:
            raise RunStoreError(
                f"The run store could not {verb} {path}: {error.strerror or error}",
                hint_for_runs(self.location),
            ) from error


def _files_below(directory: str, prefix: str) -> Iterator[str]:
    """Yield the keys of all files; an unreadable directory is an error, an absent one is empty."""
    try:
        with os.scandir(directory) as found:
            entries = [entry for entry in found if entry.name[0] != "."]
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(entry.path, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name
