"""The base class of all data that travels between modules, and the digests of such data."""

import hashlib
import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen record."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def digest_of(*parts: BaseModel | str | int | float | bool | Sequence[object] | None) -> str:
    """Return 16 hexadecimal digits that change when a part or the order of the parts changes."""
    plain = [
        part.model_dump(mode="json") if isinstance(part, BaseModel) else part for part in parts
    ]
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    """Convert a record inside a sequence into plain JSON values."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"no digest of a {type(value).__name__}")
