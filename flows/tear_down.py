"""Remove all that was temporary in a run: newest first, all tried, what remains is named."""

from prefect import flow
from prefect.futures import wait

from flows import steps
from flows.run_step import as_undo_task
from notebake.errors import TearDownError
from notebake.records import Done, Run
from notebake.run_store import default_location, open_store
from notebake.runs import load_run
from notebake.step import Step, carry_out
from notebake.survey import describe_resource, left_over


@flow(name="Tear down", flow_run_name="tear down {run_id}")
def tear_down(run_id: str, store: str = "") -> None:
    """Undo every step of a run and look for what is left. An accepted image stays.

    Raises:
        TearDownError: something could not be removed, or is there although nothing failed.
    """
    run = load_run(run_id, open_store(store or default_location()))
    carry_out(TEAR_DOWN, run)


def remove_all(run: Run) -> Done:
    """Undo the steps one after the other, whatever becomes of the others."""
    failures: list[Exception] = []
    for step in steps.undoing():
        future = as_undo_task(step).submit(run)
        wait([future])
        if future.state.is_failed() or future.state.is_crashed():
            failures.append(_error_of(future))
    remaining = [describe_resource(one) for one in left_over(run)]
    if failures or remaining:
        raise TearDownError(run.id, tuple(remaining), tuple(str(one) for one in failures))
    return Done(digest=run.id, detail="nothing temporary is left")


def _error_of(future: object) -> Exception:
    """Return what a future failed with."""
    try:
        future.result()  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - failures are collected and raised together
        return error
    return RuntimeError("failed without an error")


TEAR_DOWN = Step(*steps.TEAR_DOWN, lambda _: None, remove_all)
