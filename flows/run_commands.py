"""The commands that execute a run: build, resume, tear-down."""

import argparse
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows import prefect_settings
from flows.report import BuildReport, StepTime, print_report
from flows.terminal import show_progress
from notebake import runs
from notebake.errors import NotebakeError
from notebake.progress import Groups, State, StepProgress
from notebake.recipe_file import load_recipe
from notebake.records import Run
from notebake.run_store import default_location, open_store

log = logging.getLogger(__name__)


def run(given: argparse.Namespace) -> int:
    """Run the command that was given; the recipe is read before anything slow is imported."""
    store = open_store(given.store or default_location())
    if given.command == "build":
        recipe = load_recipe(Path(given.recipe))
        return execute(runs.new_run(recipe, str(Path(given.recipe).resolve()), store))
    known = runs.load_run(given.run, store)
    if given.command == "tear-down":
        return remove(known)
    recipe_path = given.recipe or runs.read_header(known).recipe_path
    if Path(recipe_path).exists():
        known = runs.adopt_recipe(known, load_recipe(Path(recipe_path)))
    return execute(known, from_step=given.from_step)


def execute(run: Run, *, from_step: str = "") -> int:
    """Build, showing each step, and report; 0 only for an accepted image."""
    prefect_settings.apply(quiet=True)
    began = time.monotonic()
    with (
        show_progress(
            f"{run.recipe.name}  run {run.id}", _groups(), runs.file_path(run, "log.txt")
        ) as progress,
        started_prefect(),
    ):
        from prefect.exceptions import TerminationSignal

        from flows.build_image import build_image
        from flows.rewind import rewind
        from notebake.aftermath import aftermath

        try:
            if from_step:
                rewind(run, from_step)
            build_image(run_id=run.id, store=run.store)
        except NotebakeError as error:
            error.hint = "\n".join(filter(None, (error.hint, aftermath(run))))
            raise
        except TerminationSignal as signal:
            raise InterruptedError(str(signal)) from signal
    report = report_of(run, progress.steps(), time.monotonic() - began)
    print_report(report)
    return 0 if report.is_accepted and not report.left_behind else 1


def remove(run: Run) -> int:
    """Tear a run down, and say what was looked for."""
    prefect_settings.apply(quiet=True)
    log_path = runs.file_path(run, "log.txt")
    from flows.steps import TEAR_DOWN

    with show_progress(f"tear down {run.id}", [[TEAR_DOWN]], log_path), started_prefect():
        from flows.tear_down import tear_down

        tear_down(run_id=run.id, store=run.store)
    return 0


@contextmanager
def started_prefect() -> Iterator[None]:
    """Have a Prefect server as long as the block runs. It and its import take some seconds."""
    log.info("Starting Prefect")
    from flows.local_server import prefect_server

    with prefect_server():
        try:
            yield
        finally:
            from prefect.logging.handlers import APILogHandler

            # What is still on its way to the server gets five seconds to arrive.
            APILogHandler().flush()


def report_of(run: Run, steps: list[StepProgress], seconds: float) -> BuildReport:
    """Return the report of a build, from what is found now."""
    from notebake.outcome import look_at_outcome

    outcome = look_at_outcome(run)
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
            StepTime(title=one.title, seconds=one.seconds, was_there=one.state is State.FOUND)
            for one in steps
        ),
        total_seconds=seconds,
        left_behind=outcome.left_behind,
    )


def _groups() -> Groups:
    """Return the steps; they import boto3 and Fabric, which the other commands do without."""
    from flows.steps import TEAR_DOWN, titles

    return [*titles(), [TEAR_DOWN]]
