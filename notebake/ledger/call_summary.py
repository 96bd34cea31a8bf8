"""The part of a summary about calls to AWS: how many, what they created, and what is removed."""

from collections.abc import Iterator

from notebake.ledger.entry import Entry
from notebake.ledger.summary import Created

REMOVING = ("Delete", "Deregister", "Release", "Terminate")
"""How the names of the calls begin that remove what is among their parameters."""


class CallSummary:
    """What the entries about calls show so far."""

    def __init__(self) -> None:
        self.sent: dict[str, Entry] = {}
        self.unanswered: set[str] = set()
        self.failed = 0
        self.created: dict[str, Created] = {}
        self.base_image = ""
        self._attempts: dict[str, str] = {}
        """The names of attempts by their keys."""

    def add_sent(self, entry: Entry) -> None:
        call, attempt = str(entry.body.get("call")), entry.body.get("attempt") or {}
        self.sent[call] = entry
        self.unanswered.add(call)
        if attempt:
            self._attempts[attempt["key"]] = attempt["name"]

    def add_answered(self, entry: Entry) -> None:
        call = str(entry.body.get("call"))
        self.unanswered.discard(call)
        sent = self.sent.get(call)
        if entry.body.get("error"):
            self.failed += 1
        elif sent:
            self._add_success(sent, entry)

    def _add_success(self, sent: Entry, answered: Entry) -> None:
        operation, parameters = sent.body["operation"], sent.body.get("parameters") or {}
        name = (sent.body.get("attempt") or {}).get("name", "")
        for resource_id in answered.body.get("created", ()):
            self._create(resource_id, name, operation, answered.time)
        if operation == "RunInstances" and parameters.get("ImageId") not in self.created:
            self.base_image = str(parameters.get("ImageId") or "")
        if operation.startswith(REMOVING):
            for text in _texts(parameters):
                self._remove(text, answered.time)

    def add_settled(self, entry: Entry) -> None:
        body, name = entry.body, self._attempts.get(entry.body.get("key", ""), "")
        for resource_id in body.get("made", ()):
            if body.get("state") == "removed":
                self._remove(resource_id, entry.time)
            else:
                self._create(resource_id, name, "", entry.time)

    def add_removed(self, entry: Entry) -> None:
        for created in list(self.created.values()):
            if created.name and created.name == entry.body.get("name"):
                self._remove(created.id, entry.time)

    def _create(self, resource_id: str, name: str, operation: str, at: str) -> None:
        created = Created(id=resource_id, name=name, operation=operation, at=at)
        self.created.setdefault(resource_id, created)

    def _remove(self, resource_id: str, at: str) -> None:
        created = self.created.get(resource_id)
        if created and not created.removed:
            self.created[resource_id] = created.model_copy(update={"removed": at})


def _texts(value: object) -> Iterator[str]:
    """Yield all texts in the parameters of a call."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
