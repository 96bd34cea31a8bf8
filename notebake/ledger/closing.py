"""Closes the chain of a run when an execution has ended and nothing temporary is left."""

from collections.abc import Sequence
from typing import Any

from notebake.ledger.chain import Chain
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import ENDED, OUTCOME
from notebake.ledger.summarize import keeps_outcome, summarize


def close_if_finished(chain: Chain) -> Entry | None:
    """Seal the run if the execution that writes the chain has finished it; return the seal.

    Raises:
        RunStoreError: the store failed. The run may be sealed.
    """

    def summary_of(entries: Sequence[Entry]) -> dict[str, Any] | None:
        if not is_finished(entries, chain.writer.execution):
            return None
        return summarize(chain.run, entries).model_dump(mode="json")

    return chain.close(summary_of)


def is_finished(entries: Sequence[Entry], execution: str) -> bool:
    """Return whether an execution has ended, and left nothing temporary."""
    if not entries or entries[-1].kind != ENDED:
        return False
    for entry in reversed(entries):
        if entry.execution != execution or not keeps_outcome(entry):
            return False
        if entry.kind == OUTCOME:
            return True
    return False
