"""Remove all that was temporary in a run: newest first, all tried, what remains is named."""

from prefect import flow
from prefect.exceptions import TerminationSignal
from prefect.futures import wait

from flows import build_plan
from flows.failure import format_error, reporting_what_is_left
from flows.prefect_logs import show_logs_in_prefect
from flows.step_task import as_undo_task, failure_of
from notebake.errors import NotebakeError, TearDownError, WaitTimeoutError
from notebake.resources.leftovers import describe_resource, find_leftovers
from notebake.runbook.step import Done, Step, carry_out
from notebake.runs.executing import executing
from notebake.runs.open_store import default_location, open_store
from notebake.runs.registry import load_run
from notebake.runs.run import Run
from notebake.runs.secret_store import delete_secrets
from notebake.timeouts import REMOVAL_VISIBLE_SECONDS
from notebake.waiting import allow_waits, wait_until


@flow(name="Tear down", flow_run_name="tear down {run_id}")
def tear_down(run_id: str, store: str = "") -> None:
    """Undo every step of a run and look for what is left. An accepted image stays.

    Raises:
        RunLockedError: the run is being executed: its machines are not taken away under it.
        WrongAccountError: the credentials are of another account than the run's.
        TearDownError: something could not be removed, or is there although nothing failed.
    """
    show_logs_in_prefect()
    allow_waits()
    run = load_run(run_id, open_store(store or default_location()))
    with reporting_what_is_left(run, TerminationSignal), executing(run):
        carry_out(TEAR_DOWN, run)


def remove_all(run: Run, plan: build_plan.Plan = build_plan.BUILD) -> Done:
    """Undo the steps one after the other, whatever becomes of the others."""
    failures: list[BaseException] = []
    for step in build_plan.undoing(plan):
        future = as_undo_task(step).submit(run)
        wait([future])
        if failure := failure_of(future):
            failures.append(failure)
    remaining = what_remains(run, patience_seconds=0 if failures else REMOVAL_VISIBLE_SECONDS)
    if not failures and not remaining:
        try:
            delete_secrets(run)
            return Done(digest=run.id, detail="nothing temporary is left")
        except NotebakeError as error:
            failures.append(error)
    said = tuple(dict.fromkeys(format_error(one) for one in failures))
    raise TearDownError(run.id, tuple(remaining), said)


def what_remains(run: Run, *, patience_seconds: float) -> list[str]:
    """Return what EC2 shows of the run, once it shows nothing or has had its time."""
    shown: list[str] = []

    def is_clean() -> bool | None:
        shown[:] = [describe_resource(one) for one in find_leftovers(run)]
        return None if shown else True

    try:
        wait_until(is_clean, what="EC2 to show that all is gone", timeout_seconds=patience_seconds)
    except WaitTimeoutError:
        pass
    except NotebakeError as error:
        shown.append(f"what could not be asked ({error.message})")
    return shown


TEAR_DOWN = Step(*build_plan.TEAR_DOWN, lambda _: None, remove_all)
