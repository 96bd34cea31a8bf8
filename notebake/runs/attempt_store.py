"""The attempts of a run, from its ledger, and from the files of runs begun before the ledger."""

import json

from notebake.aws.model import Stack
from notebake.ledger.attempt import Attempt
from notebake.runs.open_store import open_store
from notebake.runs.run_record import run_record


def list_attempts(stack: Stack, name: str = "") -> list[Attempt]:
    """Return the attempts with this name, or all of the stack, oldest first."""
    attempts = run_record(stack).attempts(read_earlier)
    return [attempt for attempt in attempts if name in ("", attempt.name)]


def read_earlier(stack: Stack) -> list[Attempt]:
    """Return the attempts that were recorded in files, before there was a ledger."""
    store, prefix = open_store(stack.store), f"{stack.id}/attempts/"
    found = [json.loads(stored.content) for stored in store.read_all(store.list(prefix))]
    attempts = [Attempt(name=fields["key"].split("/")[2], **fields) for fields in found]
    return sorted(attempts, key=lambda attempt: attempt.key.rpartition("/")[2])
