"""The sealed runs of a store as a list shows them."""

from collections.abc import Mapping

from notebake.ledger.entry import Entry
from notebake.ledger.summary import Summary
from notebake.runs.history_row import HistoryRow, row_of
from notebake.runs.seal_index import RowKind, SealIndex, run_of


def sealed_rows(location: str) -> list[HistoryRow]:
    """Return the rows of all runs that are sealed now.

    Raises:
        RunStoreError: the store failed.
    """
    return SealIndex(location, HISTORY).rows()


def row_of_seal(seal: str, content: bytes) -> HistoryRow:
    """Return the row of the copy of a seal, or the error if it cannot be read."""
    run_id = run_of(seal)
    try:
        summary = Summary.model_validate(Entry.model_validate_json(content).body["summary"])
        return row_of(summary).model_copy(update={"run_id": run_id})
    except (ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        return HistoryRow(run_id=run_id, is_sealed=True, error=f"its seal: {reason}")


def _read(_location: str, seals: Mapping[str, bytes]) -> list[HistoryRow]:
    return [row_of_seal(seal, content) for seal, content in seals.items()]


HISTORY = RowKind("history", 2, HistoryRow, _read, lambda row: not row.error)
