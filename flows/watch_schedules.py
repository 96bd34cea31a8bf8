"""Looks whether the scheduled checks for updates have come, as a flow for a daily schedule."""

import logging
from typing import Any

import httpx
from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import PrefectException
from prefect.states import Completed

from flows.findings_markdown import escape
from flows.prefect_ui.form import StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from flows.scheduled_checks import watch
from notebake import clock
from notebake.errors import NotebakeError
from notebake.humanize import pluralize
from notebake.images.rebake.overdue import PERIODS, WatchedSchedule, describe_schedule
from notebake.runs.open_store import default_location
from notebake.timestamps import utc_from_seconds
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)
KEY = "scheduled-checks"
HINT = (
    "Look whether its worker runs, and at its last flow runs. In a terminal,"
    " `notebake check RECIPE` asks without Prefect."
)


@flow(name="Watch the schedules")
@ending_plainly
def watch_schedules(store: StoreLocation = "") -> Any:
    """Look whether the scheduled checks of all recipes have come, by what the run stores keep.

    It fails if a check has not come for two periods of its schedule, so that this is told as any
    other failure. Schedules that are switched off are listed, and are no failure.

    Args:
        store: Location of the run store of deployments that name none; empty: the default.

    Raises:
        NotebakeError: a check has not come, a recipe cannot be read, or Prefect does not answer.
    """
    allow_waits()
    now = utc_from_seconds(clock.now())
    try:
        watched, off = watch(now, store or default_location())
    except (PrefectException, httpx.HTTPError) as error:
        raise NotebakeError(f"The schedules cannot be read from Prefect: {error}") from error
    lines = [describe_schedule(each, now) for each in watched]
    show(lines, off)
    wrong = [
        line for each, line in zip(watched, lines, strict=True) if each.is_overdue or each.fault
    ]
    if wrong:
        raise NotebakeError("\n".join((summarize(watched), *wrong)), HINT)
    return Completed(message=summarize(watched))


def summarize(watched: list[WatchedSchedule]) -> str:
    """Return the result in one sentence."""
    schedules = pluralize(len(watched), "schedule")
    late = sum(each.is_overdue for each in watched)
    unknown = sum(bool(each.fault) for each in watched)
    parts = [f"of {schedules} of checks {late} did not come for {PERIODS} periods"] * bool(late)
    parts += [f"of {schedules} of checks {unknown} cannot be read"] * bool(unknown)
    return "; ".join(parts) or f"{schedules} of checks on, and none overdue"


def show(lines: list[str], off: list[str]) -> None:
    """Log each schedule, and make the list an artifact; a failure of that is a warning."""
    switched_off = [f"switched off: {each}" for each in off]
    for line in (*lines, *switched_off):
        log.info("%s", line)
    text = "\n".join(f"- {escape(line)}" for line in (*lines, *switched_off))
    try:
        create_markdown_artifact(f"# Scheduled checks\n\n{text}\n", key=KEY)
    except (PrefectException, httpx.HTTPError) as error:
        log.warning("The list of schedules could not be shown: %s", error)
