"""The run store in a directory: private files, each complete or absent, also after a kill."""

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
        with self._reports("read", path):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
        return Stored(content, _version_of(content))

    def create(self, key: str, content: bytes) -> bool:
        """Keep the content if nothing is there; say whether it was kept."""
        path = self._path(key)
        with self._reports("create", path):
            return create_file(path, content)

    def replace(self, key: str, content: bytes, *, version: str) -> bool:
        """Keep the content if what is there is unchanged; say whether it was kept."""
        path = self._path(key)
        with self._reports("replace", path), locked(path.parent):
            stored = self.read(key)
            if stored is None or stored.version != version:
                return False
            write_file(path, content)
            return True

    def write(self, key: str, content: bytes) -> None:
        """Keep the content whatever is there."""
        path = self._path(key)
        with self._reports("write", path), locked(path.parent):
            write_file(path, content)

    def read_all(self, keys: Iterable[str]) -> list[Stored]:
        """Return what is kept under many keys, in their order, without those that are not there."""
        return [stored for key in keys if (stored := self.read(key))]

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with the prefix, sorted."""
        if prefix:
            check_key(prefix.removesuffix("/"))
        top, keys = self._root / prefix.rpartition("/")[0], []
        with self._reports("list", top):
            for directory, _, names in os.walk(top, onerror=_raise_unless_absent):
                parent = Path(directory).relative_to(self._root)
                keys += [(parent / name).as_posix() for name in names if name[0] != "."]
        return sorted(key for key in keys if key.startswith(prefix))

    def list_first_parts(self) -> tuple[str, ...]:
        """Return the names of the directories in the store, sorted."""
        with self._reports("list", self._root):
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
        with self._reports("delete", path), locked(path.parent):
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

    @contextmanager
    def _reports(self, verb: str, path: Path) -> Iterator[None]:
        """Turn what the file system answers into one sentence."""
        try:
            yield
        except OSError as error:
            raise RunStoreError(
                f"The run store could not {verb} {path}: {error.strerror or error}",
                hint_for_runs(self.location),
            ) from error


def _version_of(content: bytes) -> str:
    """Return the tag of a content: like an S3 etag it tells contents apart, not moments."""
    return hashlib.sha256(content).hexdigest()


def _raise_unless_absent(error: OSError) -> None:
    """Let nothing that cannot be read pass for empty, as `os.walk` would."""
    if not isinstance(error, FileNotFoundError):
        raise error
