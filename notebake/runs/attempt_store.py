"""The attempts of a run in its run store: a record of each creating call, written before the call.

An attempt without an outcome is open: the response was lost, or the process was killed. EC2 may
have created the resource, and may show it late.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from pydantic import Field

from notebake import clock
from notebake.aws.model import Stack
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.timeouts import CONSISTENCY_SECONDS


class Attempt(Record):
    """One creating call."""

    key: str
    at: float
    """When it was recorded: seconds since 1970, before the call."""
    sent_until: float
    """The latest time at which the call can have been sent, botocore's retries included."""
    detail: dict[str, Any]
    state: Literal["open", "made", "refused", "removed"] = "open"
    made: tuple[str, ...] = ()
    """Ids of the created resources."""
    code: str = ""
    """The error code of the last response."""
    marks: dict[str, str] = Field(default_factory=dict)
    """The notebake tags that the resource must carry, those that were added later included."""

    @property
    def name(self) -> str:
        """The name under which it is stored, such as `builder-1`."""
        return self.key.split("/")[2]

    @property
    def may_still_appear(self) -> bool:
        """Whether EC2 may have created something that it does not show yet."""
        still_hidden = clock.now() < self.sent_until + CONSISTENCY_SECONDS
        return self.state in {"open", "made"} and still_hidden


class AttemptCache:
    """The attempts of a run, read once per execution, and the tags that it has just written."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.tagged: set[tuple[str, frozenset[str]]] = set()
        """Resource ids with the keys of tags that were written together."""
        self._lock = threading.Lock()
        self._by_key: dict[str, Attempt] | None = None

    def attempts(self, stack: Stack) -> list[Attempt]:
        """Return all attempts of the run."""
        return list(self._load(stack).values())

    def add(self, stack: Stack, attempt: Attempt) -> None:
        """Add or replace an attempt that was just stored."""
        self._load(stack)[attempt.key] = attempt

    def _load(self, stack: Stack) -> dict[str, Attempt]:
        with self._lock:
            if self._by_key is None:
                attempts = _read(stack, f"{stack.id}/attempts/")
                self._by_key = {attempt.key: attempt for attempt in attempts}
            return self._by_key


_cache: ContextVar[AttemptCache | None] = ContextVar("attempt cache", default=None)


@contextmanager
def caching_attempts(stack: Stack) -> Iterator[None]:
    """Read the run's attempts once for the block, as only the holder of the run changes them."""
    token = _cache.set(AttemptCache(stack.id))
    try:
        yield
    finally:
        _cache.reset(token)


def attempt_cache(stack: Stack) -> AttemptCache | None:
    """Return the cache of the execution; None outside an execution of this run."""
    cache = _cache.get()
    return cache if cache and cache.run_id == stack.id else None


def list_attempts(stack: Stack, name: str = "") -> list[Attempt]:
    """Return the attempts with this name, or all of the stack, oldest first."""
    prefix = f"{stack.id}/attempts/{name}/" if name else f"{stack.id}/attempts/"
    cache = attempt_cache(stack)
    attempts = cache.attempts(stack) if cache else _read(stack, prefix)
    attempts = [attempt for attempt in attempts if attempt.key.startswith(prefix)]
    return sorted(attempts, key=lambda attempt: attempt.key.rpartition("/")[2])


def store_attempt(stack: Stack, attempt: Attempt) -> None:
    """Write an attempt; it is in the run store when this returns."""
    open_store(stack.store).write(attempt.key, attempt.model_dump_json(indent=2).encode())
    if cache := attempt_cache(stack):
        cache.add(stack, attempt)


def _read(stack: Stack, prefix: str) -> list[Attempt]:
    store = open_store(stack.store)
    found = store.read_all(store.list(prefix))
    return [Attempt.model_validate_json(stored.content) for stored in found]
