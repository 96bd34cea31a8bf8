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
from notebake.aws.tags import is_ours
from notebake.errors import CloudError, WaitTimeoutError
from notebake.records import Record, Run
from notebake.runs.events import moment_name
from notebake.runs.open_store import open_store
from notebake.timeouts import CATCH_UP_SECONDS, SENDING_SECONDS
from notebake.timestamps import moment_of
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

    def every(self, run: Run) -> list[Attempt]:
        """Return all attempts of the run."""
        return list(self._known(run).values())

    def keep(self, run: Run, one: Attempt) -> None:
        """Know what has just been kept."""
        self._known(run)[one.key] = one

    def _known(self, run: Run) -> dict[str, Attempt]:
        with self._turn:
            if self._by_key is None:
                self._by_key = {one.key: one for one in _read(run, f"{run.id}/attempts/")}
            return self._by_key


_memory: ContextVar[Memory | None] = ContextVar("memory", default=None)


def attempt(
    run: Run,
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
    kept = _begin(run, name, detail, marks)

    def sends_again() -> None:
        nonlocal kept
        if clock.now() > kept.sent_until:
            kept = kept.model_copy(update={"sent_until": clock.now() + SENDING_SECONDS})
            _keep(run, kept)

    try:
        result = call(sends_again)
    except CloudError as error:
        state = "open" if error.is_open else "refused"
        update = {"state": state, "code": error.code, "sent_until": clock.now()}
        _keep(run, kept.model_copy(update=update))
        raise
    _keep(run, kept.model_copy(update={"state": "made", "made": ids(result)}))
    return result


def attempts(run: Run, name: str = "") -> list[Attempt]:
    """Return the attempts under a name, or all of the run, in the order in which they began."""
    prefix = f"{run.id}/attempts/{name}/" if name else f"{run.id}/attempts/"
    memory = memory_of(run)
    every = memory.every(run) if memory else _read(run, prefix)
    every = [one for one in every if one.key.startswith(prefix)]
    return sorted(every, key=lambda one: one.key.rpartition("/")[2])


def memory_of(run: Run) -> Memory | None:
    """Return what this execution knows of its run; None for whoever only looks."""
    memory = _memory.get()
    return memory if memory and memory.run_id == run.id else None


def keep_marks(run: Run, thing_id: str, marks: Mapping[str, str]) -> None:
    """Keep that something that the run made is about to be tagged so, beside what it was."""
    for one in attempts(run):
        if one.state == "made" and thing_id in one.made:
            _keep(run, one.model_copy(update={"marks": {**one.marks, **marks}}))


@contextmanager
def remembering(run: Run) -> Iterator[None]:
    """Read the attempts of a run once for the whole block, which nobody but its holder changes."""
    token = _memory.set(Memory(run.id))
    try:
        yield
    finally:
        _memory.reset(token)


def open_tokens(every: Iterable[Attempt]) -> list[str]:
    """Return the client tokens of the launches whose answer was lost."""
    return [
        str(one.detail["token"]) for one in every if one.state == "open" and "token" in one.detail
    ]


def close(run: Run, one: Attempt, state: Literal["made", "removed"], *made: str) -> None:
    """Keep what an attempt turned out to have made, or that it is gone again."""
    _keep(run, one.model_copy(update={"state": state, "made": made or one.made}))


def close_removed(run: Run, name: str) -> None:
    """Keep that nothing of what was attempted under the name is there any more."""
    for one in attempts(run, name):
        if one.state in {"open", "made"}:
            close(run, one, "removed")


def keep_looking(run: Run, name: str, find: Callable[[], T | None]) -> T | None:
    """Return what `find` finds, looking on for as long as EC2 may not show it yet; else None."""
    found = find()
    late = [one for one in attempts(run, name) if one.may_still_appear]
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


def _begin(run: Run, name: str, detail: dict[str, Any], marks: Mapping[str, str]) -> Attempt:
    """Keep that a call is about to be made; it is kept when this returns."""
    now = clock.now()
    file_name = moment_name(moment_of(now))
    one = Attempt(
        key=f"{run.id}/attempts/{name}/{file_name}.json",
        at=now,
        sent_until=now + SENDING_SECONDS,
        detail=detail,
        marks={key: value for key, value in marks.items() if is_ours(key)},
    )
    _keep(run, one)
    return one


def _keep(run: Run, one: Attempt) -> None:
    open_store(run.store).write(one.key, one.model_dump_json(indent=2).encode())
    if memory := memory_of(run):
        memory.keep(run, one)


def _read(run: Run, prefix: str) -> list[Attempt]:
    store = open_store(run.store)
    found = store.read_all(store.list(prefix))
    return [Attempt.model_validate_json(stored.content) for stored in found]
