"""Images that are revoked: never a base and never current any more.

revocations/<image id>.json
"""

import re

from pydantic import ConfigDict

from notebake.errors import NotebakeError
from notebake.record import Record
from notebake.runs.reserved_ids import REVOCATIONS
from notebake.store.interface import RunStore

IMAGE_ID = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")


class Revocation(Record):
    """Why an image must not be used any more."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    image_id: str
    region: str
    reason: str
    at: str
    """UTC, as in an entry of the record."""
    by: str
    """The pseudonym of who revoked it."""


def check_image_id(image_id: str) -> str:
    """Return the id of an image; NotebakeError if it cannot be one."""
    if not IMAGE_ID.fullmatch(image_id):
        raise NotebakeError(
            f"Not the id of an image: {image_id!r}", "It is as ami-0123456789abcdef0."
        )
    return image_id


def find_revocation(image_id: str, store: RunStore) -> Revocation | None:
    """Return the revocation of an image, if it is revoked.

    Raises:
        RunStoreError: the store failed.
    """
    stored = store.read(key_of(image_id))
    return Revocation.model_validate_json(stored.content) if stored else None


def list_revoked(store: RunStore) -> frozenset[str]:
    """Return the ids of all revoked images; one listing."""
    keys = store.list(f"{REVOCATIONS}/")
    return frozenset(key.rpartition("/")[2].removesuffix(".json") for key in keys)


def store_revocation(revocation: Revocation, store: RunStore) -> Revocation:
    """Store a revocation unless there is one; return the one that is there then."""
    store.create(key_of(revocation.image_id), revocation.model_dump_json(indent=2).encode())
    return find_revocation(revocation.image_id, store) or revocation


def key_of(image_id: str) -> str:
    """Return the key of the revocation of an image."""
    return f"{REVOCATIONS}/{image_id}.json"
