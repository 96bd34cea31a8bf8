"""An entry of the ledger: its bytes, and the hash that the next entry names.

The hash is of the stored bytes, never of a parsed and serialised copy. RFC 8785 (canonical JSON)
serves only to have two writers of the same entry store the same bytes.
"""

import datetime
import hashlib
import re
from collections.abc import Iterable
from typing import Any

import rfc8785
from pydantic import ConfigDict, Field

from notebake.record import Record
from notebake.timestamps import utc_from_seconds

FORMAT = 1
FIRST = 1
"""The number of the first entry of a chain."""
SEALS = "_seals"
"""The folder of the record with copies of all seals; no run has this id."""
CHECKPOINTS = "_checkpoints"
"""The folder of the record with the checkpoints over all runs; no run has this id."""
KEY = re.compile(r"(?P<run>[^/]+)/(?P<sequence>[0-9]{8})\.json")
SEAL_KEY = re.compile(SEALS + r"/(?P<run>[^/]+)/(?P<sequence>[0-9]{8})(?P<is_open>-open)?\.json")


class Entry(Record):
    """One thing that happened to a run."""

    # A later version may write fields that this one does not know.
    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = FORMAT
    run: str
    sequence: int
    previous: str
    """SHA-256 of the stored bytes of the entry before, in hexadecimal; "" in the first entry."""
    time: str
    """UTC by the clock of the machine that wrote it, as 2026-11-29T15:00:00.123456Z."""
    who: str
    """The pseudonym of the person or the schedule; "" if unknown."""
    execution: str
    """The execution that wrote it: the entry `executing` with the same id describes it."""
    kind: str
    """What happened: `kinds` lists all kinds."""
    body: dict[str, Any] = Field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The bytes to store."""
        return rfc8785.dumps(self.model_dump(mode="json"))

    @property
    def at(self) -> float:
        """The time in seconds since 1970."""
        return datetime.datetime.fromisoformat(self.time).timestamp()


def latest(entries: Iterable[Entry], *kinds: str) -> Entry | None:
    """Return the last entry of these kinds; None if there is none."""
    found = [entry for entry in entries if entry.kind in kinds]
    return found[-1] if found else None


def hash_of(content: bytes) -> str:
    """Return the SHA-256 of stored bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def format_time(seconds: float) -> str:
    """Return the time of an entry for a number of seconds since 1970."""
    return f"{utc_from_seconds(seconds):%Y-%m-%dT%H:%M:%S.%f}Z"


def key_of(run: str, sequence: int) -> str:
    """Return the key of an entry in the record."""
    return f"{run}/{sequence:08}.json"


def seal_key_of(run: str, sequence: int) -> str:
    """Return the key of the copy of a seal."""
    return f"{SEALS}/{run}/{sequence:08}.json"


def open_key_of(run: str, sequence: int) -> str:
    """Return the key of the mark that a sealed run is continued from this entry on."""
    return f"{SEALS}/{run}/{sequence:08}-open.json"
