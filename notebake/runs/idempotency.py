"""What makes a creating call repeatable: its epoch, its parameters, its client token."""

import hashlib
import json
from typing import Any

from notebake.aws.model import Stack
from notebake.errors import RunStoreError
from notebake.runs.open_store import open_store


def epoch(stack: Stack, step: str) -> int:
    """Return how often the step has started over; 0 at first."""
    stored = open_store(stack.store).read(f"{stack.id}/epochs/{step}.json")
    return int(stored.content) if stored else 0


def bump_epoch(stack: Stack, step: str, expected: int) -> int:
    """Increase the epoch if it still is `expected`; return the current epoch."""
    store, key = open_store(stack.store), f"{stack.id}/epochs/{step}.json"
    stored = store.read(key)
    content = str(expected + 1).encode()
    if stored is None and expected == 0:
        store.create(key, content)
    elif stored is not None and int(stored.content) == expected:
        store.replace(key, content, version=stored.version)
    return epoch(stack, step)


def remember(stack: Stack, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Record the parameters unless some are recorded already; return the recorded ones.

    EC2 answers IdempotentParameterMismatch to a known token with other parameters.
    """
    store, key = open_store(stack.store), f"{stack.id}/parameters/{name}.json"
    store.create(key, json.dumps(parameters, indent=2).encode())
    recorded = recall(stack, name)
    if recorded is None:
        raise RunStoreError(f"{key} was written to {store.location} and has disappeared.")
    return recorded


def recall(stack: Stack, name: str) -> dict[str, Any] | None:
    """Return the recorded parameters, or None."""
    stored = open_store(stack.store).read(f"{stack.id}/parameters/{name}.json")
    recorded: dict[str, Any] | None = json.loads(stored.content) if stored else None
    return recorded


def client_token(run_id: str, step: str, epoch: int, zone: str) -> str:
    """Return a ClientToken of 64 characters, the maximum of EC2.

    The zone is part of it: in another zone EC2 treats the same token as another request.
    """
    return hashlib.sha256("\n".join((run_id, step, str(epoch), zone)).encode()).hexdigest()
