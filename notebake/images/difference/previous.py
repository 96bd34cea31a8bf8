"""The accepted image of a recipe from before a run."""

from notebake.images.rebake.mark import read_mark
from notebake.images.updates.kept_run import KeptRun
from notebake.ledger.summary import Result
from notebake.runs.history import list_rows
from notebake.runs.open_store import open_store
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.registry import read_header
from notebake.runs.run import Run


def find_previous(run: Run) -> KeptRun | None:
    """Return the run of the image that was accepted last before a run began; None if none was.

    For a rebake it is the image that was current when it began.

    Raises:
        RunStoreError: the store failed.
    """
    mark = read_mark(run.id, run.recipe, open_store(run.store))
    if mark:
        return _kept(mark.previous_run_id, run) if mark.previous_run_id else None
    began = read_header(run).created
    rows, _ = list_rows(
        run.store,
        wanted=lambda row: (
            (row.recipe, row.outcome) == (run.recipe_name, Result.ACCEPTED)
            and row.ended is not None
            and row.ended <= began
        ),
    )
    kept = (_kept(row.run_id, run) for row in reversed(rows) if row.run_id != run.id)
    return next((each for each in kept if each.region == run.region), None)


def _kept(run_id: str, run: Run) -> KeptRun:
    return KeptRun(summary=read_recorded_run(run_id, run.store).summary, store=run.store)
