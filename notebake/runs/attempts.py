"""Attempts at creating calls: kept before the call is sent, closed by what came of it.

An attempt that nobody closed is open: its answer was lost, or we were killed, and EC2 may have made
the thing, or may only show it later. It is asked for again, or looked for, before anything else.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, TypeVar

from pydantic import Field

from notebake import clock
from notebake.aws.stack import Stack
from notebake.aws.tags import is_ours
from notebake.errors import CloudError, WaitTimeoutError
from notebake.record import Record
from notebake.runs.events import moment_name
from notebake.runs.open_store import open_store
from notebake.timeouts import CATCH_UP_SECONDS, SENDING_SECONDS
from notebake.timestamps import utc_from_seconds
from notebake.waiting import wait_until

T = TypeVar("T")


class Attempt(Record):
    """One creating call."""

    key: str
    at: float
    """Seconds since 1970, before the call."""
    sent_until: float
    """The last moment at which the call can have been sent, botocore's own repetitions counted."""
    detail: dict[str, Any]
    state: Literal["open", "made", "refused", "removed"] = "open"
    made: tuple[str, ...] = ()
    """Ids of what it made."""
    code: str = ""
    """Why it was refused, or what was answered last."""
    marks: dict[str, str] = Field(default_factory=dict)
    """The tags of ours that it must carry, those that were put on later among them."""

    @property
    def name(self) -> str:
        """The name under which it is kept, such as `builder-1`."""
        return self.key.split("/")[2]

    @property
    def may_still_appear(self) -> bool:
        """Whether EC2 may have made something that it does not show yet."""
        return self.state in {"open", "made"} and clock.now() < self.sent_until + CATCH_UP_SECONDS


class Memory:
    """What an execution knows of its run's attempts, and with what it has tagged their things."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.tagged: set[tuple[str, frozenset[str]]] = set()
        """Ids with the keys of tags that were given to them together."""
        self._turn = threading.Lock()
        self._by_key: dict[str, Attempt] | None = None

    def every(self, stack: Stack) -> list[Attempt]:
        """Return all attempts of the run."""
        return list(self._known(stack).values())

    def keep(self, stack: Stack, one: Attempt) -> None:
        """Know what has just been kept."""
        self._known(stack)[one.key] = one

    def _known(self, stack: Stack) -> dict[str, Attempt]:
        with self._turn:
            if self._by_key is None:
                self._by_key = {one.key: one for one in _read(stack, f"{stack.id}/attempts/")}
            return self._by_key


_memory: ContextVar[Memory | None] = ContextVar("memory", default=None)


def record_attempt(
    stack: Stack,
    name: str,
    detail: dict[str, Any],
    call: Callable[[Callable[[], None]], T],
    *,
    marks: Mapping[str, str],
    ids: Callable[[T], tuple[str, ...]],
) -> T:
    """Return what a creating call gives; before it is sent it is kept under the name.

    `call` gets a function to call before each time that it sends the request again; `marks` are
    the tags that the call itself gives.

    Raises:
        CloudError: AWS refused; unless it may have been done all the same, the attempt is closed.
    """
    kept = _begin(stack, name, detail, marks)

    def sends_again() -> None:
        nonlocal kept
        if clock.now() > kept.sent_until:
            kept = kept.model_copy(update={"sent_until": clock.now() + SENDING_SECONDS})
            _keep(stack, kept)

    try:
        result = call(sends_again)
    except CloudError as error:
        state = "open" if error.is_open else "refused"
        update = {"state": state, "code": error.code, "sent_until": clock.now()}
        _keep(stack, kept.model_copy(update=update))
        raise
    _keep(stack, kept.model_copy(update={"state": "made", "made": ids(result)}))
    return result


def attempts(stack: Stack, name: str = "") -> list[Attempt]:
    """Return the attempts under a name, or all of the stack, in the order in which they began."""
    prefix = f"{stack.id}/attempts/{name}/" if name else f"{stack.id}/attempts/"
    memory = memory_of(stack)
    every = memory.every(stack) if memory else _read(stack, prefix)
    every = [one for one in every if one.key.startswith(prefix)]
    return sorted(every, key=lambda one: one.key.rpartition("/")[2])


def memory_of(stack: Stack) -> Memory | None:
    """Return what this execution knows of its run; None for whoever only looks."""
    memory = _memory.get()
    return memory if memory and memory.run_id == stack.id else None


def keep_marks(stack: Stack, thing_id: str, marks: Mapping[str, str]) -> None:
    """Keep that something that the run made is about to be tagged so, beside what it was."""
    for one in attempts(stack):
        if one.state == "made" and thing_id in one.made:
            _keep(stack, one.model_copy(update={"marks": {**one.marks, **marks}}))


@contextmanager
def remembering(stack: Stack) -> Iterator[None]:
    """Read the attempts of a run once for the whole block, which nobody but its holder changes."""
    token = _memory.set(Memory(stack.id))
    try:
        yield
    finally:
        _memory.reset(token)


def open_tokens(every: Iterable[Attempt]) -> list[str]:
    """Return the client tokens of the launches whose answer was lost."""
    return [
        str(one.detail["token"]) for one in every if one.state == "open" and "token" in one.detail
    ]


def close(stack: Stack, one: Attempt, state: Literal["made", "removed"], *made: str) -> None:
    """Keep what an attempt turned out to have made, or that it is gone again."""
    _keep(stack, one.model_copy(update={"state": state, "made": made or one.made}))


def close_removed(stack: Stack, name: str) -> None:
    """Keep that nothing of what was attempted under the name is there any more."""
    for one in attempts(stack, name):
        if one.state in {"open", "made"}:
            close(stack, one, "removed")


def find_even_if_late(stack: Stack, name: str, find: Callable[[], T | None]) -> T | None:
    """Return what `find` finds, looking on for as long as EC2 may not show it yet; else None."""
    found = find()
    late = [one for one in attempts(stack, name) if one.may_still_appear]
    if found or not late:
        return found
    left_seconds = max(one.sent_until for one in late) + CATCH_UP_SECONDS - clock.now()
    try:
        return wait_until(
            lambda: find() or None,
            what=f"EC2 to show what {name} may have made",
            timeout_seconds=left_seconds,
        )
    except WaitTimeoutError:
        return None


def _begin(stack: Stack, name: str, detail: dict[str, Any], marks: Mapping[str, str]) -> Attempt:
    """Keep that a call is about to be made; it is kept when this returns."""
    now = clock.now()
    file_name = moment_name(utc_from_seconds(now))
    one = Attempt(
        key=f"{stack.id}/attempts/{name}/{file_name}.json",
        at=now,
        sent_until=now + SENDING_SECONDS,
        detail=detail,
        marks={key: value for key, value in marks.items() if is_ours(key)},
    )
    _keep(stack, one)
    return one


def _keep(stack: Stack, one: Attempt) -> None:
    open_store(stack.store).write(one.key, one.model_dump_json(indent=2).encode())
    if memory := memory_of(stack):
        memory.keep(stack, one)


def _read(stack: Stack, prefix: str) -> list[Attempt]:
    store = open_store(stack.store)
    found = store.read_all(store.list(prefix))
    return [Attempt.model_validate_json(stored.content) for stored in found]
