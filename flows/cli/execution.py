"""How the commands build, resume and tear-down execute a run."""

import functools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from flows.cli.exit_codes import AWAITING, DONE, FAILED
from flows.failure import reporting_failures
from flows.terminal.live_view import show_progress
from flows.terminal.report import print_error, print_report
from notebake.errors import NotebakeError
from notebake.local.home import check_home, is_in_home
from notebake.runbook.progress import Progress, StepProgress, Titles
from notebake.runs.log import run_log
from notebake.runs.run import Run
from notebake.store.interface import is_remote

if TYPE_CHECKING:
    from flows.approval import ApprovalWantedError

log = logging.getLogger(__name__)


@contextmanager
def prepared_run(run: Run, account_id: str = "") -> Iterator[None]:
    """Check the home and record the given account before the block; report its failures."""
    with reporting_failures(run):
        check_home_if_needed(run.store)
        if account_id:
            from notebake.runs.account_check import assign_account

            assign_account(run, account_id)
        yield


def check_home_if_needed(store: str) -> None:
    """Raise HomeError if the execution needs notebake's home, and it is not usable.

    It is not needed for a run store elsewhere in the file system with a configured Prefect server.
    """
    from flows.local_prefect.configured_server import find_configured_server

    is_elsewhere = not is_remote(store) and not is_in_home(store)
    if not is_elsewhere or find_configured_server() is None:
        check_home()


def execute(run: Run, command: str, *, from_step: str = "") -> int:
    """Build the image, show the progress, and print the report; DONE if the image is accepted.

    What has to be approved is asked in the terminal; where nobody can be asked, it is AWAITING.
    `command` is what was typed, for the record.
    """
    from flows.local_prefect.configured_server import find_configured_server
    from flows.local_prefect.session import prefect_server

    began = time.monotonic()
    # Asked first: the server of our own is named in the environment, too.
    is_watched = find_configured_server() is not None
    first: Callable[[], AbstractContextManager[None]] = functools.partial(
        _head_start, run, command, is_watched=is_watched
    )
    # Prefect reads once which server it has: ours stays while somebody reads a question.
    with prefect_server() as wait_for_prefect:
        while True:
            steps, wanted = execute_once(run, from_step, wait_for_prefect, first)
            if wanted is None:
                break
            from flows.terminal.approval_prompt import ask_in_terminal

            if not ask_in_terminal(wanted.question, run.store):
                print_error(wanted, store=run.store)
                return AWAITING
            from_step = ""
    from notebake.acceptance.outcome import read_outcome

    outcome = read_outcome(run)
    if outcome is None:
        raise NotebakeError(f"Run {run.id} has no image.")
    print_report(run, outcome, steps, time.monotonic() - began)
    return DONE if outcome.is_accepted and not outcome.left_behind else FAILED


def execute_once(
    run: Run,
    from_step: str,
    wait_for_prefect: Callable[[], None],
    first: Callable[[], AbstractContextManager[None]],
) -> tuple[list[StepProgress], "ApprovalWantedError | None"]:
    """Execute the run until it ends, or until a person has to be asked; show the progress.

    Without `from_step` it begins with `first`, while Prefect comes up.
    """
    heading = f"{run.recipe.name}  run {run.id}"
    first = nullcontext if from_step else first
    with running_prefect(run, heading, _titles, wait_for_prefect, first) as progress:
        from flows.approval import ApprovalWantedError
        from flows.build_image import build_image
        from flows.rewind import rewind

        if from_step:
            rewind(run, from_step)
        try:
            build_image(run_id=run.id, store=run.store)
        except ApprovalWantedError as wanted:
            return progress.steps(), wanted
    return progress.steps(), None


def remove(run: Run) -> int:
    """Tear the run down and show the progress."""
    from flows.local_prefect.session import prefect_server

    heading = f"tear down {run.id}"
    with (
        prefect_server() as wait_for_prefect,
        running_prefect(run, heading, lambda: _titles()[-1:], wait_for_prefect),
    ):
        from flows.tear_down import tear_down

        tear_down(run_id=run.id, store=run.store)
    return DONE


@contextmanager
def running_prefect(
    run: Run,
    heading: str,
    titles: Callable[[], Titles],
    wait_for_prefect: Callable[[], None],
    first: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterator[Progress]:
    """Wait for Prefect and its server before the block; show and log the steps' progress.

    `first` begins while the server starts, before the import of Prefect, and ends after the block.

    Raises:
        InterruptedError: the process got a signal to terminate.
    """
    with (
        run_log(run) as log_path,
        show_progress(heading, titles(), log_path) as progress,
        first(),
    ):
        log.info("Starting Prefect")
        wait_for_prefect()
        from prefect.exceptions import TerminationSignal
        from prefect.logging.handlers import APILogHandler

        try:
            yield progress
        except TerminationSignal as signal:
            raise InterruptedError(str(signal)) from signal
        finally:
            # This waits up to five seconds for records that are on their way to the server.
            APILogHandler().flush()


def _head_start(run: Run, command: str, *, is_watched: bool) -> AbstractContextManager[None]:
    """Begin the run without Prefect; the import is slow and used only here."""
    from flows.head_start import head_start

    return head_start(run, command, is_watched=is_watched)


def _titles() -> Titles:
    """Return the titles of the steps; their import of boto3 and Fabric is slow, so it is here."""
    from flows.build_plan import TEAR_DOWN, titles

    return [*titles(), TEAR_DOWN]
