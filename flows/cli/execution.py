"""How a run is executed and removed, for the commands build, resume and tear-down."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flows.cli.exit_codes import DONE, FAILED
from flows.terminal.live_view import show_progress
from flows.terminal.report import BuildReport, StepTime, print_report
from notebake.errors import NotebakeError
from notebake.local.home import check_home, is_in_home
from notebake.runbook.progress import State, StepProgress, Titles
from notebake.runs.log import run_log
from notebake.runs.run import Run
from notebake.store.interface import RunStore, is_remote

log = logging.getLogger(__name__)


def claim(run: Run, account_id: str) -> None:
    """Record to which account a run belongs that has not recorded it."""
    from notebake.runs.account_check import assign_account

    assign_account(run, account_id)


def check_home_where_needed(store: RunStore) -> None:
    """Raise HomeError where something will have to be kept in a home that cannot be used.

    A run that lies elsewhere, with somebody's own Prefect server, needs none.
    """
    from flows.local_prefect.choice import chosen_server

    is_elsewhere = not is_remote(store.location) and not is_in_home(store.location)
    if not is_elsewhere or chosen_server() is None:
        check_home()


def execute(run: Run, *, from_step: str = "") -> int:
    """Build, showing each step, and report; DONE only for an accepted image."""
    from flows.local_prefect.session import prefect_server

    began = time.monotonic()
    heading = f"{run.recipe.name}  run {run.id}"
    with (
        run_log(run) as log_path,
        prefect_server() as wait_for_prefect,
        show_progress(heading, _titles(), log_path) as progress,
        started_prefect(wait_for_prefect),
    ):
        from prefect.exceptions import TerminationSignal

        from flows.build_image import build_image
        from flows.cli.rewind import rewind

        try:
            if from_step:
                rewind(run, from_step)
            build_image(run_id=run.id, store=run.store)
        except TerminationSignal as signal:
            raise InterruptedError(str(signal)) from signal
    report = report_of(run, progress.steps(), time.monotonic() - began)
    print_report(report)
    return DONE if report.is_accepted and not report.left_behind else FAILED


def remove(run: Run) -> int:
    """Tear a run down, and say what was looked for."""
    from flows.local_prefect.session import prefect_server

    with (
        run_log(run) as log_path,
        prefect_server() as wait_for_prefect,
        show_progress(f"tear down {run.id}", _titles()[-1:], log_path),
        started_prefect(wait_for_prefect),
    ):
        from prefect.exceptions import TerminationSignal

        from flows.tear_down import tear_down

        try:
            tear_down(run_id=run.id, store=run.store)
        except TerminationSignal as signal:
            raise InterruptedError(str(signal)) from signal
    return DONE


@contextmanager
def started_prefect(wait_for_prefect: Callable[[], None]) -> Iterator[None]:
    """Have Prefect ready as long as the block runs. Its import and its server take some seconds."""
    log.info("Starting Prefect")
    wait_for_prefect()
    try:
        yield
    finally:
        from prefect.logging.handlers import APILogHandler

        # What is still on its way to the server gets five seconds to arrive.
        APILogHandler().flush()


def report_of(run: Run, steps: list[StepProgress], seconds: float) -> BuildReport:
    """Return the report of a build, from what is found now."""
    from notebake.acceptance.outcome import read_outcome

    outcome = read_outcome(run)
    if outcome is None:
        raise NotebakeError(f"Run {run.id} gave no image.")
    return BuildReport(
        run_id=run.id,
        image_id=outcome.image.id,
        image_name=outcome.image.name,
        region=run.recipe.region,
        is_accepted=outcome.is_accepted,
        proofs=outcome.proof.sentences if outcome.proof else (),
        notebook_path=outcome.notebook_path,
        html_path=outcome.html_path,
        steps=tuple(
            StepTime(title=step.title, seconds=step.seconds, was_there=step.state is State.FOUND)
            for step in steps
        ),
        total_seconds=seconds,
        left_behind=outcome.left_behind,
    )


def _titles() -> Titles:
    """Return the steps; they import boto3 and Fabric, which the other commands do without."""
    from flows.build_plan import TEAR_DOWN, titles

    return [*titles(), TEAR_DOWN]
