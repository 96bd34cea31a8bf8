"""What a run store keeps of contents that were replaced or deleted."""

import datetime
from dataclasses import dataclass
from enum import StrEnum


class Versioning(StrEnum):
    """Whether a store keeps what is replaced or deleted."""

    NEVER = "never"
    """It has no versions, as a directory."""
    OFF = "off"
    SUSPENDED = "suspended"
    """It kept them once; since then what is replaced is gone."""
    ON = "on"
    DENIED = "denied"
    """That may not be read."""


@dataclass(frozen=True)
class Version:
    """One version of a key, or the mark that it was deleted."""

    key: str
    id: str
    at: datetime.datetime
    """By the clock of the store."""
    is_deletion: bool = False

    def __str__(self) -> str:
        what = "deletion" if self.is_deletion else "version"
        return f"{what} {self.id} of {self.at.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
