"""Remove all that was temporary in a run: newest first, all tried, what remains is named."""

from contextlib import suppress

from prefect import flow
from prefect.futures import wait

from flows import steps
from flows.prefect_logs import show_logs_in_prefect
from flows.run_step import as_undo_task, failure_of
from notebake.errors import TearDownError, WaitTimeoutError
from notebake.patience import SETTLE_SECONDS
from notebake.records import Done, Run
from notebake.run_lease import hold_lease
from notebake.run_store import default_location, open_store
from notebake.runs import load_run
from notebake.secrets import forget_secrets
from notebake.step import Step, carry_out
from notebake.survey import describe_resource, left_over
from notebake.waiting import allow_waiting, wait_until


@flow(name="Tear down", flow_run_name="tear down {run_id}")
def tear_down(run_id: str, store: str = "") -> None:
    """Undo every step of a run and look for what is left. An accepted image stays.

    Raises:
        RunIsHeldError: the run is being executed: its machines are not taken away under it.
        TearDownError: something could not be removed, or is there although nothing failed.
    """
    show_logs_in_prefect()
    allow_waiting()
    run = load_run(run_id, open_store(store or default_location()))
    with hold_lease(run):
        carry_out(TEAR_DOWN, run)


def remove_all(run: Run, groups: tuple[tuple[Step, ...], ...] = steps.BUILD) -> Done:
    """Undo the steps one after the other, whatever becomes of the others."""
    failures: list[BaseException] = []
    for step in steps.undoing(groups):
        future = as_undo_task(step).submit(run)
        wait([future])
        if failure := failure_of(future):
            failures.append(failure)
    if not failures:
        wait_until_shown_gone(run)
    remaining = [describe_resource(one) for one in left_over(run)]
    if failures or remaining:
        raise TearDownError(run.id, tuple(remaining), tuple(str(one) for one in failures))
    forget_secrets(run)
    return Done(digest=run.id, detail="nothing temporary is left")


def wait_until_shown_gone(run: Run) -> None:
    """Wait a while for EC2 to show nothing of the run any more."""
    with suppress(WaitTimeoutError):
        wait_until(
            lambda: None if left_over(run) else True,
            what="EC2 to show that all is gone",
            timeout_seconds=SETTLE_SECONDS,
        )


TEAR_DOWN = Step(*steps.TEAR_DOWN, lambda _: None, remove_all)
