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
        top, keys = self._root / prefix.rpartition("/")[0], []
        with self._store_errors("list", top):
            for directory, _, names in os.walk(top, onerror=_raise_unless_absent):
                parent = Path(directory).relative_to(self._root)
                keys += [(parent / name).as_posix() for name in names if name[0] != "."]
        return sorted(key for key in keys if key.startswith(prefix))

    def list_top_level(self) -> tuple[str, ...]:
        with self._store_errors("list", self._root):
            try:
                found = list(self._root.iterdir())
            except FileNotFoundError:
                return ()
        names = [path.name for path in found if path.is_dir()]
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


def _raise_unless_absent(error: OSError) -> None:
    """Raise the error; by default `os.walk` treats an unreadable directory as empty."""
    if not isinstance(error, FileNotFoundError):
        raise error
