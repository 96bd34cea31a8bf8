"""Attempts at creating calls: kept before the call is sent, closed by what came of it.

An attempt that nobody closed is open: its answer was lost, or we were killed, and EC2 may have made
the thing, or may only show it later. It is asked for again, or looked for, before anything else.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from notebake import clock
from notebake.errors import CloudError, WaitTimeoutError
from notebake.moments import moment_of
from notebake.patience import CATCH_UP_SECONDS, SENDING_SECONDS
from notebake.records import Record, Run
from notebake.run_events import moment_name
from notebake.run_store import open_store
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

    @property
    def may_still_appear(self) -> bool:
        """Whether EC2 may have made something that it does not show yet."""
        return self.state in {"open", "made"} and clock.now() < self.sent_until + CATCH_UP_SECONDS


def attempt(
    run: Run,
    name: str,
    detail: dict[str, Any],
    call: Callable[[Callable[[], None]], T],
    *,
    ids: Callable[[T], tuple[str, ...]],
) -> T:
    """Return what a creating call gives; before it is sent it is kept under the name.

    `call` gets a function to call before each time that it sends the request again.

    Raises:
        CloudError: AWS refused; unless it may have been done all the same, the attempt is closed.
    """
    kept = _begin(run, name, detail)

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
    store = open_store(run.store)
    keys = store.list(f"{run.id}/attempts/{name}/" if name else f"{run.id}/attempts/")
    every = [Attempt.model_validate_json(stored.content) for stored in store.read_all(keys)]
    return sorted(every, key=lambda one: one.key.rpartition("/")[2])


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


def _begin(run: Run, name: str, detail: dict[str, Any]) -> Attempt:
    """Keep that a call is about to be made; it is kept when this returns."""
    now = clock.now()
    file_name = moment_name(moment_of(now))
    one = Attempt(
        key=f"{run.id}/attempts/{name}/{file_name}.json",
        at=now,
        sent_until=now + SENDING_SECONDS,
        detail=detail,
    )
    _keep(run, one)
    return one


def _keep(run: Run, one: Attempt) -> None:
    open_store(run.store).write(one.key, one.model_dump_json(indent=2).encode())
