"""A run store in memory, for tests that change thousands of records."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from notebake.store.interface import RunStore, Stored
from notebake.store.versions import Version, Versioning


class MemoryStore:
    """Keeps what a run store keeps in a dictionary, which a test may change."""

    location = "memory"

    def __init__(self, contents: dict[str, bytes] | None = None) -> None:
        self.contents = contents if contents is not None else {}

    def read(self, key: str) -> Stored | None:
        content = self.contents.get(key)
        return None if content is None else Stored(content, str(hash(content)))

    def create(self, key: str, content: bytes) -> bool:
        return self.contents.setdefault(key, content) is content

    def replace(self, key: str, content: bytes, *, version: str) -> bool:
        stored = self.read(key)
        if stored is None or stored.version != version:
            return False
        self.contents[key] = content
        return True

    def write(self, key: str, content: bytes) -> None:
        self.contents[key] = content

    def read_all(self, keys: Iterable[str]) -> list[Stored]:
        return [stored for key in keys if (stored := self.read(key))]

    def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self.contents if key.startswith(prefix))

    def list_top_level(self, prefix: str = "") -> tuple[str, ...]:
        keys = (key.removeprefix(prefix) for key in self.list(prefix))
        return tuple(sorted({key.partition("/")[0] for key in keys if "/" in key}))

    def delete(self, key: str) -> None:
        self.contents.pop(key, None)

    def local_path(self, key: str) -> Path | None:
        del key
        return None

    def where(self, key: str) -> str:
        return f"memory:{key}"

    def clock(self) -> float:
        return 0.0

    def versioning(self) -> Versioning:
        return Versioning.NEVER

    def versions(self, prefix: str) -> Iterator[tuple[Version, ...]]:
        del prefix
        yield from ()


_: RunStore = MemoryStore()
