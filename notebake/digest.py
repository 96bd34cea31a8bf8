"""Digests: the short names of what was asked for."""

import hashlib
import json
from collections.abc import Sequence

from pydantic import BaseModel


def digest_of(*parts: BaseModel | str | int | float | bool | Sequence[object] | None) -> str:
    """Return 16 hexadecimal digits that change when any part does; the order counts."""
    plain = [
        part.model_dump(mode="json") if isinstance(part, BaseModel) else part for part in parts
    ]
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    """Turn records inside a sequence into what JSON knows."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"no digest of a {type(value).__name__}")
