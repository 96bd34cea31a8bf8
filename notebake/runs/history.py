"""The runs of a run store as a list: sealed ones by their seals, the others as they are now."""

import datetime
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from notebake.errors import NotebakeError
from notebake.ledger.chain import Chain, Writer
from notebake.ledger.entry import SEALS
from notebake.ledger.kinds import SEALED
from notebake.ledger.summarize import summarize
from notebake.ledger.summary import Result
from notebake.runs import registry
from notebake.runs.account import read_account
from notebake.runs.attempt_store import read_earlier
from notebake.runs.events import list_events
from notebake.runs.history_row import NOT_RECORDED, HistoryRow, row_of
from notebake.runs.open_store import open_store
from notebake.runs.registry import RunHeader
from notebake.runs.run import Run
from notebake.runs.run_record import record_place
from notebake.runs.seal_index import SealIndex
from notebake.runs.summaries import holder_of
from notebake.store.interface import RunStore

READERS = 8
Wanted = Callable[[HistoryRow], bool]


@dataclass(frozen=True)
class _Known:
    """A run of which nothing more is read unless it is shown."""

    run_id: str
    began: datetime.datetime
    row: HistoryRow | None = None
    header: RunHeader | None = None


def list_rows(
    location: str, *, newest: int | None = None, wanted: Wanted | None = None
) -> tuple[list[HistoryRow], int]:
    """Return the rows that are wanted, oldest first, and the number of older ones left out.

    `newest` limits how many are returned; what is not returned is read only if `wanted` is given.
    """
    store = open_store(location)
    known = _known_runs(location, store)
    if wanted is None:
        shown = known if newest is None else known[max(0, len(known) - newest) :]
        return _read(shown, store), len(known) - len(shown)
    rows = [row for row in _read(known, store) if wanted(row)]
    shown_rows = rows if newest is None else rows[max(0, len(rows) - newest) :]
    return shown_rows, len(rows) - len(shown_rows)


def _known_runs(location: str, store: RunStore) -> list[_Known]:
    """Return all runs, oldest first: those of the store, and those that only the record has."""
    place = record_place(location)
    sealed = {row.run_id: row for row in SealIndex(place).rows()}
    headers = registry.list_runs(store, without=sealed)
    known = [_Known(run_id, row.began, row=row) for run_id, row in sealed.items()]
    known += [_Known(header.id, header.created, header=header) for header in headers]
    recorded = place.store.list_top_level(place.prefix)
    others = {*recorded} - {each.run_id for each in known} - registry.RESERVED_IDS - {SEALS}
    for run_id in sorted(others):
        row = _read_recorded(HistoryRow(run_id=run_id), location)
        if row.outcome != NOT_RECORDED:
            known.append(_Known(run_id, row.began, row=row))
    return sorted(known, key=lambda each: (each.began, each.run_id))


def _read(known: Sequence[_Known], store: RunStore) -> list[HistoryRow]:
    """Return the rows of runs; those that are not sealed are read now."""
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda each: each.row or _read_now(each, store), known))


def _read_now(known: _Known, store: RunStore) -> HistoryRow:
    """Return the state of a run, or the error if it cannot be read."""
    row = HistoryRow(run_id=known.run_id, began=known.began)
    try:
        run = registry.load_run(known.run_id, store)
        account = read_account(known.run_id, store)
        row = row.model_copy(
            update={
                "recipe": run.recipe.name,
                "account_id": account.id if account else None,
                "holder": holder_of(run),
                "awards": tuple(awards_of(run)),
            }
        )
        return _with_events(_read_recorded(row, store.location), run)
    except (NotebakeError, ValueError) as error:
        return row.model_copy(update={"error": str(error).splitlines()[0]})


def awards_of(run: Run) -> Iterable[str]:
    """Return the numbers of the awards that the recipe names."""
    for award in run.recipe.model_dump(mode="json").get("award") or ():
        yield str(award["number"])


def _read_recorded(row: HistoryRow, location: str) -> HistoryRow:
    """Return the row with what the chain of the run has."""
    entries = Chain(record_place(location), row.run_id, Writer()).entries()
    if not entries:
        return row
    found = row_of(summarize(row.run_id, entries))
    if entries[-1].kind == SEALED:
        return found
    kept = {name: value for name in row.model_fields_set if (value := getattr(row, name))}
    return found.model_copy(update={**kept, "outcome": Result.OPEN, "is_sealed": False})


def _with_events(row: HistoryRow, run: Run) -> HistoryRow:
    """Return the row with the last outcome of a step from before the ledger, if that is all."""
    if row.outcome != NOT_RECORDED:
        return row
    events = list_events(run)
    if not events and not read_earlier(run):
        return row.model_copy(update={"outcome": Result.OPEN})
    if not events:
        return row
    step, at = events[-1], events[-1].at
    update = {"last_step": step.step, "last_outcome": step.happening, "last_at": at}
    return row.model_copy(update=update)
