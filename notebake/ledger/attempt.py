"""An attempt: what the ledger shows of one creating call, and of its repetitions.

An attempt without an outcome is open: the response was lost, or the process was killed. EC2 may
have created the resource, and may show it late.
"""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from notebake import clock
from notebake.ledger import kinds
from notebake.ledger.entry import Entry
from notebake.record import Record
from notebake.timeouts import CONSISTENCY_SECONDS, REQUEST_SECONDS

AttemptState = Literal["open", "made", "refused", "removed"]


class Attempt(Record):
    """One creating call."""

    key: str
    """Its id; in records of before the ledger, the key of its file."""
    name: str
    """What it creates, such as `builder-1`."""
    at: float
    """When the call was first recorded: seconds since 1970, before it was sent."""
    sent_until: float
    """The latest time at which the call can have been sent, botocore's retries included."""
    detail: dict[str, Any]
    state: AttemptState = "open"
    made: tuple[str, ...] = ()
    """Ids of the created resources."""
    code: str = ""
    """The error code of the last response."""
    marks: dict[str, str] = Field(default_factory=dict)
    """The notebake tags that the resource must carry, those that were added later included."""

    @property
    def may_still_appear(self) -> bool:
        """Whether EC2 may have created something that it does not show yet."""
        still_hidden = clock.now() < self.sent_until + CONSISTENCY_SECONDS
        return self.state in {"open", "made"} and still_hidden


class AttemptHistory:
    """The attempts of a run as its entries show them, one after the other."""

    def __init__(self, earlier: Iterable[Attempt] = ()) -> None:
        self._attempts = {attempt.key: attempt for attempt in earlier}
        self._by_call: dict[str, str] = {}
        """Attempts by the calls that were sent for them."""
        self._unclear: set[str] = set()
        """Attempts of which a call may have taken effect although it was not answered so."""

    def attempts(self) -> list[Attempt]:
        """Return all attempts, in the order in which they began."""
        return list(self._attempts.values())

    def add(self, entry: Entry) -> None:
        """Take one more entry into account."""
        body = entry.body
        if entry.kind == kinds.SENT:
            self._add_sent(entry)
        elif entry.kind == kinds.ANSWERED:
            self._add_answered(entry, body["error"])
        elif entry.kind == kinds.UNANSWERED:
            self._leave_open(entry, "NoAnswer")
        elif entry.kind == kinds.SETTLED:
            self._settle(entry)
        elif entry.kind == kinds.REMOVED:
            for attempt in self.attempts():
                if attempt.name == body["name"] and attempt.state in {"open", "made"}:
                    self._update(attempt.key, state="removed")

    def _add_sent(self, entry: Entry) -> None:
        if marked := entry.body.get("marks_of"):
            for attempt in self.attempts():
                if attempt.state == "made" and marked in attempt.made:
                    self._update(attempt.key, marks={**attempt.marks, **entry.body["marks"]})
        begun = entry.body.get("attempt")
        if begun is None:
            return
        sent_until = entry.at + REQUEST_SECONDS
        self._by_call[entry.body["call"]] = begun["key"]
        if begun["key"] in self._attempts:
            self._update(begun["key"], state="open", sent_until=sent_until)
        else:
            attempt = Attempt(at=entry.at, sent_until=sent_until, **begun)
            self._attempts[attempt.key] = attempt

    def _add_answered(self, entry: Entry, code: str) -> None:
        key = self._by_call.get(entry.body["call"])
        if key is None:
            return
        if not code:
            self._update(key, state="made", made=tuple(entry.body["created"]))
        elif entry.body["may_have_happened"] or key in self._unclear:
            self._leave_open(entry, code)
        else:
            self._update(key, state="refused", code=code, sent_until=entry.at)

    def _leave_open(self, entry: Entry, code: str) -> None:
        if key := self._by_call.get(entry.body["call"]):
            self._unclear.add(key)
            self._update(key, state="open", code=code, sent_until=entry.at)

    def _settle(self, entry: Entry) -> None:
        if attempt := self._attempts.get(entry.body["key"]):
            made = tuple(entry.body["made"]) or attempt.made
            code = entry.body.get("code", attempt.code)
            self._update(attempt.key, state=entry.body["state"], made=made, code=code)

    def _update(self, key: str, **changes: Any) -> None:
        self._attempts[key] = self._attempts[key].model_copy(update=changes)


def open_client_tokens(attempts: Iterable[Attempt]) -> list[str]:
    """Return the client tokens of the launches whose response was lost."""
    return [
        str(attempt.detail["token"])
        for attempt in attempts
        if attempt.state == "open" and "token" in attempt.detail
    ]
