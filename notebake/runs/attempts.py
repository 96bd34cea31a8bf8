"""Creating calls: the ledger has each before it is sent; an attempt is what came of it.

An open attempt is repeated, or its resource searched for, before anything else is created.
"""

import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal, TypeVar

from notebake import clock
from notebake.aws.call_parameters import CREATED
from notebake.aws.model import Stack
from notebake.aws.tags import is_ours
from notebake.errors import CloudError, WaitTimeoutError
from notebake.ledger.attempt import Attempt
from notebake.ledger.kinds import REMOVED, SETTLED
from notebake.ledger.recording import Purpose, calling_for
from notebake.runs.attempt_store import list_attempts
from notebake.runs.run_record import run_record
from notebake.timeouts import CONSISTENCY_SECONDS
from notebake.waiting import wait_until

T = TypeVar("T")
CREATING = frozenset(CREATED)


def record_attempt(
    stack: Stack,
    name: str,
    detail: dict[str, Any],
    call: Callable[[], T],
    *,
    marks: Mapping[str, str],
    ids: Callable[[T], tuple[str, ...]],
) -> T:
    """Make a creating call and return its result; the ledger says under which name it creates.

    `marks` are the tags that the call itself sets.

    Raises:
        CloudError: AWS refused. The attempt stays open if the call may have taken effect.
    """
    key = f"{name}/{uuid.uuid4()}"
    own = {tag: value for tag, value in marks.items() if is_ours(tag)}
    note = {"attempt": {"key": key, "name": name, "detail": detail, "marks": own}}
    chain = run_record(stack).chain
    try:
        with calling_for(Purpose(chain, note, CREATING)):
            result = call()
    except CloudError as error:
        _settle(stack, key, "open" if error.is_outcome_unknown else "refused", code=error.code)
        raise
    _settle(stack, key, "made", made=ids(result))
    return result


def _settle(
    stack: Stack, key: str, state: str, *, made: tuple[str, ...] = (), code: str = ""
) -> None:
    """Record the state of an attempt, unless the responses show the same."""
    for attempt in list_attempts(stack):
        if attempt.key == key and (attempt.state, attempt.made) != (state, made):
            body = {"key": key, "state": state, "made": list(made), "code": code}
            run_record(stack).chain.append(SETTLED, body)


def recording_tags(
    stack: Stack, resource_id: str, marks: Mapping[str, str]
) -> AbstractContextManager[None]:
    """Let the calls of the block record that a resource of the run must carry these tags."""
    note = {"marks_of": resource_id, "marks": dict(marks)}
    return calling_for(Purpose(run_record(stack).chain, note, frozenset({"CreateTags"})))


def close_attempt(
    stack: Stack, attempt: Attempt, state: Literal["made", "removed"], *made: str
) -> None:
    """Record what an attempt created, or that it is removed again."""
    body = {"key": attempt.key, "state": state, "made": list(made or attempt.made)}
    run_record(stack).chain.append(SETTLED, body)


def close_as_removed(stack: Stack, name: str) -> None:
    """Record that nothing created under the name exists any more."""
    if any(attempt.state in {"open", "made"} for attempt in list_attempts(stack, name)):
        run_record(stack).chain.append(REMOVED, {"name": name})


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
