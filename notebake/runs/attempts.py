"""Creating calls: each is recorded as an attempt before it is sent, and closed by its outcome.

An open attempt is repeated, or its resource searched for, before anything else is created.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

from notebake import clock
from notebake.aws.model import Stack
from notebake.aws.tags import is_ours
from notebake.errors import CloudError, WaitTimeoutError
from notebake.runs.attempt_store import Attempt, list_attempts, store_attempt
from notebake.runs.events import sortable_name
from notebake.timeouts import CONSISTENCY_SECONDS, REQUEST_SECONDS
from notebake.timestamps import utc_from_seconds
from notebake.waiting import wait_until

T = TypeVar("T")


def record_attempt(
    stack: Stack,
    name: str,
    detail: dict[str, Any],
    call: Callable[[Callable[[], None]], T],
    *,
    marks: Mapping[str, str],
    ids: Callable[[T], tuple[str, ...]],
) -> T:
    """Record a creating call under the name, send it, and return its result.

    `call` gets a function that it must call before each repetition of the request; `marks` are
    the tags that the call itself sets.

    Raises:
        CloudError: AWS refused. The attempt stays open if the call may have taken effect.
    """
    attempt = _begin(stack, name, detail, marks)

    def before_repetition() -> None:
        nonlocal attempt
        if clock.now() > attempt.sent_until:
            attempt = attempt.model_copy(update={"sent_until": clock.now() + REQUEST_SECONDS})
            store_attempt(stack, attempt)

    try:
        result = call(before_repetition)
    except CloudError as error:
        state = "open" if error.is_outcome_unknown else "refused"
        update = {"state": state, "code": error.code, "sent_until": clock.now()}
        store_attempt(stack, attempt.model_copy(update=update))
        raise
    store_attempt(stack, attempt.model_copy(update={"state": "made", "made": ids(result)}))
    return result


def record_tags(stack: Stack, resource_id: str, marks: Mapping[str, str]) -> None:
    """Record tags that are about to be added to a resource of the run."""
    for attempt in list_attempts(stack):
        if attempt.state == "made" and resource_id in attempt.made:
            store_attempt(stack, attempt.model_copy(update={"marks": {**attempt.marks, **marks}}))


def open_client_tokens(attempts: Iterable[Attempt]) -> list[str]:
    """Return the client tokens of the launches whose response was lost."""
    return [
        str(attempt.detail["token"])
        for attempt in attempts
        if attempt.state == "open" and "token" in attempt.detail
    ]


def close_attempt(
    stack: Stack, attempt: Attempt, state: Literal["made", "removed"], *made: str
) -> None:
    """Record what an attempt created, or that it is removed again."""
    store_attempt(stack, attempt.model_copy(update={"state": state, "made": made or attempt.made}))


def close_as_removed(stack: Stack, name: str) -> None:
    """Record that nothing created under the name exists any more."""
    for attempt in list_attempts(stack, name):
        if attempt.state in {"open", "made"}:
            close_attempt(stack, attempt, "removed")


def find_even_if_late(stack: Stack, name: str, find: Callable[[], T | None]) -> T | None:
    """Return the result of `find`; repeat it as long as EC2 may not show the resource yet."""
    found = find()
    late = [attempt for attempt in list_attempts(stack, name) if attempt.may_still_appear]
    if found or not late:
        return found
    shown_by = max(attempt.sent_until for attempt in late) + CONSISTENCY_SECONDS
    try:
        return wait_until(
            lambda: find() or None,
            what=f"EC2 to show what {name} may have created",
            timeout_seconds=shown_by - clock.now(),
        )
    except WaitTimeoutError:
        return None


def _begin(stack: Stack, name: str, detail: dict[str, Any], marks: Mapping[str, str]) -> Attempt:
    """Record that a call is about to be sent; it is in the run store when this returns."""
    now = clock.now()
    file_name = sortable_name(utc_from_seconds(now))
    attempt = Attempt(
        key=f"{stack.id}/attempts/{name}/{file_name}.json",
        at=now,
        sent_until=now + REQUEST_SECONDS,
        detail=detail,
        marks={key: value for key, value in marks.items() if is_ours(key)},
    )
    store_attempt(stack, attempt)
    return attempt
