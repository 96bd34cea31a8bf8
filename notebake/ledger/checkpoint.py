"""A checkpoint: the state of all runs of a record at one moment, under one signature.

Its leaves are the heads of runs as each checkpoint has found them. A later checkpoint adds leaves
and changes none, so the tree of each is the beginning of the tree of the next one. Its text is that
of a transparency log's checkpoint: https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md
"""

import base64
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import rfc8785
from pydantic import ConfigDict, Field

from notebake.ledger.entry import CHECKPOINTS
from notebake.ledger.merkle import leaf_hash, root_of
from notebake.ledger.signed_note import text_of_note
from notebake.record import Record

HASH_BYTES = 32
FIRST = 1
"""The number of the first checkpoint."""


class Leaf(Record):
    """The head of a run, or the key that signs from now on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["run", "key"] = "run"
    run: str = ""
    count: int = 0
    """How many entries the run had."""
    head: str = ""
    """The hash of the last of them, in hexadecimal."""
    is_sealed: bool = False
    key: str = ""
    """The signing key, as verifiers of signed notes take it."""
    at: str
    """When this was found: UTC, as in an entry."""

    @property
    def content(self) -> bytes:
        """The bytes of which the leaf hash is made: canonical JSON."""
        return rfc8785.dumps(self.model_dump(mode="json"))

    @functools.cached_property
    def hash(self) -> bytes:
        """The leaf hash (32 bytes): each later checkpoint's tree has this leaf again."""
        return leaf_hash(self.content)


class Checkpoint(Record):
    """What one checkpoint adds, and the signed text over all leaves so far."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    leaves: tuple[Leaf, ...] = Field(default=())
    """The leaves that it adds to those of the checkpoints before."""
    note: str
    """The signed note."""

    @property
    def content(self) -> bytes:
        """The bytes to store."""
        return rfc8785.dumps(self.model_dump(mode="json"))


class Anchor(Record):
    """How large a tree was, and its root: what somebody keeps outside of the record."""

    size: int
    root: str
    """Base64 of 32 bytes."""

    def __str__(self) -> str:
        return f"{self.size}:{self.root}"


class TreeHead(Anchor):
    """What the text of a checkpoint says."""

    origin: str

    @property
    def anchor(self) -> Anchor:
        """What to keep outside of the record."""
        return Anchor(size=self.size, root=self.root)

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{self.root}\n"


def tree_head(origin: str, leaves: Iterable[Leaf]) -> TreeHead:
    """Return the head of the tree with these leaves, in their order."""
    hashes = [leaf.hash for leaf in leaves]
    root = base64.b64encode(root_of(hashes)).decode()
    return TreeHead(origin=origin, size=len(hashes), root=root)


def parse_note(note: str) -> TreeHead:
    """Return what a signed checkpoint says; its signature is not verified here.

    Raises:
        ValueError: this is no checkpoint.
    """
    lines = text_of_note(note).splitlines()
    if len(lines) < 3 or not lines[1].isdecimal():
        raise ValueError("a checkpoint has an origin, a size and a root hash")
    return TreeHead(origin=lines[0], size=int(lines[1]), root=lines[2])


def parse_anchor(text: str) -> Anchor:
    """Return the anchor in a text such as `str` of an anchor gives.

    Raises:
        ValueError: it is none.
    """
    size, separator, root = text.partition(":")
    try:
        is_hash = len(base64.b64decode(root, validate=True)) == HASH_BYTES
    except ValueError:
        is_hash = False
    if not (separator and size.isdecimal() and is_hash):
        raise ValueError(f"not an anchor, SIZE:ROOT as `notebake history seal` prints it: {text}")
    return Anchor(size=int(size), root=root)


def new_leaves(
    heads: Mapping[str, Leaf], earlier: Sequence[Leaf], key: str, at: str
) -> tuple[Leaf, ...]:
    """Return what a checkpoint adds: the runs whose head has changed, and a key that is new."""
    known = {leaf.run: (leaf.count, leaf.head) for leaf in earlier if leaf.kind == "run"}
    keys = [leaf.key for leaf in earlier if leaf.kind == "key"]
    announced = () if keys[-1:] == [key] else (Leaf(kind="key", key=key, at=at),)
    changed = (
        heads[run] for run in sorted(heads) if known.get(run) != (heads[run].count, heads[run].head)
    )
    return (*announced, *changed)


def key_of(number: int) -> str:
    """Return the key of a checkpoint in the record."""
    return f"{CHECKPOINTS}/{number:08}.json"
