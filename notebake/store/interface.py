"""The run store: where runs keep what was asked, under relative slash keys.

The verbs are those that both a directory (link, rename) and S3 (If-None-Match, If-Match) can keep.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from notebake.errors import RunStoreError

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


def is_remote(location: str) -> bool:
    """Tell whether a location is one that other machines reach, and no file of this one."""
    return location.startswith("s3://")


def check_key(key: str) -> str:
    """Return the key if it stays inside the store; RunStoreError otherwise."""
    if not KEY.fullmatch(key):
        raise RunStoreError(f"Not a key of a run store: {key!r}")
    return key
