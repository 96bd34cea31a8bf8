"""The run store: bytes under relative keys with slashes.

A directory (link, rename) and S3 (If-None-Match, If-Match) can both implement its methods.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from notebake.errors import RunStoreError
from notebake.store.versions import Version, Versioning

# No part starts with a dot, so `..` and our own temporary and lock files cannot be keys.
KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class Stored:
    """The content of a key, and the version of exactly this content."""

    content: bytes
    version: str


class RunStore(Protocol):
    """Stores bytes under keys; conditional writes prevent lost updates."""

    @property
    def location(self) -> str:
        """The location from which `open_store` opens it."""

    def read(self, key: str) -> Stored | None:
        """Return the content of the key, or None."""

    def create(self, key: str, content: bytes) -> bool:
        """Write the content if the key does not exist; return whether it was written."""

    def replace(self, key: str, content: bytes, *, version: str) -> bool:
        """Write the content if the key still has this version; return whether it was written."""

    def write(self, key: str, content: bytes) -> None:
        """Write the content unconditionally."""

    def read_all(self, keys: Iterable[str]) -> list[Stored]:
        """Return the contents of the keys that exist, in the order of the keys."""

    def list(self, prefix: str) -> list[str]:
        """Return all keys with the prefix, sorted."""

    def list_top_level(self, prefix: str = "") -> tuple[str, ...]:
        """Return the parts of all keys from the prefix, "" or "a/", to the next slash, sorted."""

    def delete(self, key: str) -> None:
        """Delete the key, if it exists."""

    def local_path(self, key: str) -> Path | None:
        """Return the path of the key's file on this machine; None for a remote store."""

    def where(self, key: str) -> str:
        """Return the location of the key for people: a path or an s3:// name."""

    def clock(self) -> float:
        """Return seconds since 1970 by a clock that all users of the store share."""

    def versioning(self) -> Versioning:
        """Return whether it keeps what is replaced or deleted."""

    def versions(self, prefix: str) -> Iterator[tuple[Version, ...]]:
        """Yield all kept versions of each key with the prefix, the newest first.

        Raises:
            VersionsDeniedError: they may not be read.
        """


def is_remote(location: str) -> bool:
    """Return whether the location is remote, not a directory of this machine."""
    return location.startswith("s3://")


def check_key(key: str) -> str:
    """Return the key if it is valid; raise RunStoreError otherwise."""
    if not KEY.fullmatch(key):
        raise RunStoreError(f"Not a key of a run store: {key!r}")
    return key
