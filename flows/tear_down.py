"""Remove all that was temporary in a run: newest first, all tried, what remains is named."""

import logging

from prefect import flow
from prefect.futures import wait

from flows.run_step import as_undo_task
from flows.steps import undoing
from notebake.errors import TearDownError
from notebake.records import Run
from notebake.run_store import default_location, open_store
from notebake.runs import load_run
from notebake.survey import describe_resource, left_over

log = logging.getLogger(__name__)


@flow(name="Tear down", flow_run_name="tear down {run_id}")
def tear_down(run_id: str, store: str = "") -> list[str]:
    """Undo every step of a run and look for what is left. An accepted image stays.

    Raises:
        TearDownError: something could not be removed, or is there although nothing failed.
    """
    run = load_run(run_id, open_store(store or default_location()))
    return remove_all(run)


def remove_all(run: Run) -> list[str]:
    """Undo the steps one after the other, whatever becomes of the others."""
    failures: list[Exception] = []
    for step in undoing():
        future = as_undo_task(step).submit(run)
        wait([future])
        if future.state.is_failed() or future.state.is_crashed():
            failures.append(_error_of(future))
    remaining = [describe_resource(one) for one in left_over(run)]
    if failures or remaining:
        raise TearDownError(run.id, tuple(remaining), tuple(str(one) for one in failures))
    log.info("Nothing temporary of run %s is left", run.id)
    return remaining


def _error_of(future: object) -> Exception:
    """Return what a future failed with."""
    try:
        future.result()  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - failures are collected and raised together
        return error
    return RuntimeError("failed without an error")
