"""The commands that execute a run: build, resume, tear-down."""

import argparse
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from flows.failure import telling_what_is_left
from flows.terminal.live_view import show_progress
from flows.terminal.report import BuildReport, StepTime, print_report
from notebake.errors import NotebakeError
from notebake.local.home import check_home, is_in_home
from notebake.recipe import Recipe
from notebake.recipe.file import load_recipe
from notebake.runbook.progress import State, StepProgress, Titles
from notebake.runs import registry
from notebake.runs.log import run_log
from notebake.runs.open_store import default_location, open_store
from notebake.runs.run import Run
from notebake.runs.summaries import has_run
from notebake.store.interface import RunStore, is_remote

log = logging.getLogger(__name__)


def run(given: argparse.Namespace) -> int:
    """Run the command that was given; the recipe is read before anything slow is imported."""
    store = open_store(given.store or default_location())
    if given.command == "build":
        recipe = load_recipe(Path(given.recipe))
        check_home_where_needed(store)
        run = registry.new_run(recipe, str(Path(given.recipe).resolve()), store)
        with telling_what_is_left(run):
            return execute(run)
    if given.command == "tear-down" and not has_run(given.run, store):
        from flows.cli.sweep import tear_down_without_store

        return tear_down_without_store(given)
    known = registry.load_run(given.run, store)
    with telling_what_is_left(known):
        check_home_where_needed(store)
        if given.account:
            claim(known, given.account)
        if given.command == "tear-down":
            return remove(known)
        if mended := recipe_to_adopt(known, given.recipe):
            known = registry.update_recipe(known, mended)
        return execute(known, from_step=given.from_step)


def claim(run: Run, account_id: str) -> None:
    """Keep that a run which does not say belongs to an account."""
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


def recipe_to_adopt(run: Run, given_path: str) -> Recipe | None:
    """Return the recipe to go on with, or None for the one that the run keeps.

    Without a path it is looked for where the run was started; on another machine that path may be
    missing, or hold something else.
    """
    if given_path:
        return load_recipe(Path(given_path))
    path = Path(registry.read_header(run).recipe_path)
    name = name_in_file(path)
    if name not in ("", run.recipe.name):
        log.warning(
            "Going on with the recipe that the run keeps: %s is not there, or another", path
        )
        return None
    return load_recipe(path)


def name_in_file(path: Path) -> str | None:
    """Return the name in a recipe, "" for one too faulty to tell, None for what is no recipe."""
    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError:
        return None
    except (yaml.YAMLError, UnicodeDecodeError):
        return ""
    return str(content.get("name")) if isinstance(content, dict) else None


def execute(run: Run, *, from_step: str = "") -> int:
    """Build, showing each step, and report; 0 only for an accepted image."""
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
    return 0 if report.is_accepted and not report.left_behind else 1


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
    return 0


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
    from notebake.acceptance.outcome import look_at_outcome

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


def _titles() -> Titles:
    """Return the steps; they import boto3 and Fabric, which the other commands do without."""
    from flows.build_plan import TEAR_DOWN, titles

    return [*titles(), TEAR_DOWN]
