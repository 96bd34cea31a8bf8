"""The rows of runs that are not sealed: read when they are asked for."""

from collections.abc import Collection, Iterator

from notebake.errors import NotebakeError
from notebake.ledger.chain import Chain, Writer
from notebake.ledger.kinds import SEALED
from notebake.ledger.summarize import summarize
from notebake.ledger.summary import Result
from notebake.runs import registry
from notebake.runs.account import read_account
from notebake.runs.attempt_store import read_earlier
from notebake.runs.events import list_events
from notebake.runs.history_row import NOT_RECORDED, HistoryRow, row_of
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.runs.run_record import record_place
from notebake.runs.summaries import has_run, holder_of


def find_unsealed(
    location: str, begun: Collection[str], recorded: Collection[str]
) -> list[HistoryRow]:
    """Return the runs with these ids, which are not sealed: of the store, or only of the record."""
    headers = registry.list_runs(open_store(location), begun)
    known = [HistoryRow(run_id=header.id, began=header.created) for header in headers]
    others = sorted({*recorded} - {row.run_id for row in known})
    found = [_with_record(HistoryRow(run_id=run_id), location) for run_id in others]
    return [*known, *(row for row in found if row.outcome != NOT_RECORDED)]


def read_now(row: HistoryRow, location: str) -> HistoryRow:
    """Return the state of a run, or the error if it cannot be read."""
    store = open_store(location)
    try:
        if row.outcome != NOT_RECORDED and not has_run(row.run_id, store):
            return row
        run = registry.load_run(row.run_id, store)
        account = read_account(row.run_id, store)
        known = row.model_copy(
            update={
                "recipe": run.recipe.name,
                "account_id": account.id if account else None,
                "holder": holder_of(run),
                "awards": tuple(_awards_of(run)),
            }
        )
        return _with_events(_with_record(known, location), run)
    except (NotebakeError, ValueError) as error:
        return row.model_copy(update={"error": str(error).splitlines()[0]})


def _awards_of(run: Run) -> Iterator[str]:
    for award in run.recipe.model_dump(mode="json").get("award") or ():
        yield str(award["number"])


def _with_record(row: HistoryRow, location: str) -> HistoryRow:
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
