"""The schedules of checks in Prefect: when each was due, and what the run store has of them."""

import datetime
from collections.abc import Iterator

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.server.schemas.schedules import SCHEDULE_TYPES
from prefect.utilities.asyncutils import run_coro_as_sync
from pydantic import TypeAdapter

from flows.prefect_ui.form import chosen_path
from notebake.errors import NotebakeError
from notebake.images.rebake.overdue import WatchedSchedule, list_missed
from notebake.images.updates.last_check import find_last_check
from notebake.recipe.file import load_recipe

FLOWS = ["Check for updates", "Update an image"]
MOST_DUE = 400
"""So many due times are looked at; more than a year of a daily schedule."""
JUST_MADE = datetime.timedelta(minutes=1)
"""Prefect takes both times of a new schedule one after the other; a change so soon is no news."""
PAGE = 200
"""The most deployments that Prefect gives at once (prefect 3.8.8)."""


def watch(now: datetime.datetime, location: str) -> tuple[list[WatchedSchedule], list[str]]:
    """Return the schedules that are on, and the names of those that are off.

    `location` is the run store of those that name none.

    Raises:
        httpx.HTTPError, PrefectException: Prefect does not answer.
        RunStoreError: a run store failed.
    """
    with get_client(sync_client=True) as client:
        found = [*_list_schedules(client)]
    on = [pair for pair in found if pair[1].active and not pair[0][1].paused]
    off = [
        f"{name} ({describe_rule(schedule)})"
        for (name, deployment), schedule in found
        if not schedule.active or deployment.paused
    ]
    found_on = [_look_at(name, deployment, each, now, location) for (name, deployment), each in on]
    return found_on, off


def describe_rule(schedule: DeploymentSchedule) -> str:
    """Return when a schedule is due, in its own words."""
    rule = schedule.schedule
    zone = getattr(rule, "timezone", None) or "UTC"
    if isinstance(rule, CronSchedule):
        return f"{rule.cron} {zone}"
    if isinstance(rule, IntervalSchedule):
        return f"every {rule.interval}"
    return f"{rule.rrule} {zone}" if isinstance(rule, RRuleSchedule) else "never"


def due_times(
    schedule: DeploymentSchedule, begin: datetime.datetime, end: datetime.datetime
) -> list[datetime.datetime]:
    """Return when a schedule was due between two times, in UTC, by Prefect's own reckoning."""
    rule: SCHEDULE_TYPES = TypeAdapter(SCHEDULE_TYPES).validate_python(
        schedule.schedule.model_dump()
    )
    # Its function is a coroutine that waits for nothing (prefect 3.8.8).
    found: list[datetime.datetime] | None
    found = run_coro_as_sync(rule.get_dates(n=MOST_DUE, start=begin, end=end))
    return [at.astimezone(datetime.UTC) for at in found or ()]


def find_change(schedule: DeploymentSchedule) -> datetime.datetime | None:
    """Return when a schedule was changed last, as by switching it on; None if it is as it was made.

    `prefect deploy` makes schedules anew: that is no change, or each one would hide an outage.
    """
    made, updated = schedule.created, schedule.updated
    return updated if made and updated and updated - made > JUST_MADE else None


def _list_schedules(
    client: SyncPrefectClient,
) -> Iterator[tuple[tuple[str, DeploymentResponse], DeploymentSchedule]]:
    """Yield each schedule of a flow that checks, with its deployment."""
    wanted = FlowFilter(name=FlowFilterName(any_=FLOWS))
    names = {flow.id: flow.name for flow in client.read_flows(flow_filter=wanted)}
    offset = 0
    while page := client.read_deployments(flow_filter=wanted, limit=PAGE, offset=offset):
        offset += len(page)
        for deployment in page:
            for schedule in deployment.schedules:
                name = f"{names.get(deployment.flow_id, '?')}/{deployment.name}"
                yield (name, deployment), schedule


def _look_at(
    name: str,
    deployment: DeploymentResponse,
    schedule: DeploymentSchedule,
    now: datetime.datetime,
    default: str,
) -> WatchedSchedule:
    """Return what the run store has of the checks of a schedule."""
    given = {**deployment.parameters, **schedule.parameters}
    rule = describe_rule(schedule)
    try:
        path = chosen_path(str(given.get("recipe", "")), str(given.get("recipe_path", "")))
        recipe = load_recipe(path)
    except NotebakeError as error:
        shown = str(given.get("recipe_path") or given.get("recipe") or "no recipe")
        return WatchedSchedule(deployment=name, rule=rule, recipe=shown, fault=error.message)
    location = str(given.get("store") or default)
    last = find_last_check(recipe.name, recipe.region, location)
    begin = max(
        last or deployment.created or now,
        find_change(schedule) or datetime.datetime.min.replace(tzinfo=datetime.UTC),
    )
    return WatchedSchedule(
        deployment=name,
        rule=rule,
        recipe=recipe.name,
        region=recipe.region,
        last=last,
        missed=list_missed(due_times(schedule, begin, now), last, now),
    )
