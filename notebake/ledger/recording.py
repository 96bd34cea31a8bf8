"""The chain to which the code of a block writes, and what its calls of AWS are for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from notebake.ledger.chain import Chain


@dataclass(frozen=True)
class Purpose:
    """What calls are for: the chain that records them, and what each `sent` says beside."""

    chain: Chain
    note: dict[str, Any]
    operations: frozenset[str]
    """The calls that carry the note."""


_chain: ContextVar[Chain | None] = ContextVar("chain", default=None)
_purpose: ContextVar[Purpose | None] = ContextVar("purpose", default=None)


@contextmanager
def recording(chain: Chain) -> Iterator[None]:
    """Let the block, and threads with a copy of its context, write to the chain."""
    token = _chain.set(chain)
    try:
        yield
    finally:
        _chain.reset(token)


@contextmanager
def calling_for(purpose: Purpose) -> Iterator[None]:
    """Let the AWS calls of the block carry a note in their `sent` entries."""
    token = _purpose.set(purpose)
    try:
        yield
    finally:
        _purpose.reset(token)


def current_chain() -> Chain | None:
    """Return the chain of the execution; None if nothing is recorded here."""
    return _chain.get()


def current_purpose() -> Purpose | None:
    """Return what calls are for now, if that has been said."""
    return _purpose.get()


def record(kind: str, body: dict[str, Any]) -> None:
    """Add an entry to the chain of the execution, if there is any."""
    if chain := current_chain():
        chain.append(kind, body)
