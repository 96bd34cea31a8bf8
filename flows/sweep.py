"""The sweep as a flow, so that a schedule can start it: dry unless it is told to remove."""

import logging

from prefect import flow

from flows.cli.regions import usual_region
from flows.prefect_logs import show_logs_in_prefect
from notebake import clock
from notebake.aws.inventory import enabled_regions
from notebake.costs.estimate import format_monthly, format_sum
from notebake.resources.retention import Assessment
from notebake.resources.survey import Scope, check_all_regions_answered, survey
from notebake.resources.sweep import check_all_gone, describe_place, remove
from notebake.runs.open_store import default_location
from notebake.timestamps import utc_from_seconds
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)


@flow(name="Sweep")
def sweep(regions: list[str], apply: bool = False, store: str = "") -> int:
    """Survey for what runs have left behind, and remove what has expired; return how many may go.

    Args:
        regions: Where to look; one of them may be `all`.
        apply: Remove it. Otherwise nothing is changed.
        store: The run store that knows more than the tags; empty: the default one.

    Raises:
        SweepError: something is still there that should be gone.
        NotebakeError: a region could not be looked at.
    """
    show_logs_in_prefect()
    allow_waits()
    scope = Scope(
        regions=regions_named(regions),
        store=store or default_location(),
        before=utc_from_seconds(clock.now()),
    )
    found = survey(scope)
    for one in found.findings:
        log.info("%s", line_of(one))
    for said in found.elsewhere:
        log.info("Not looked for: %s", said)
    cost = format_sum([one.usd_per_month for one in found.findings])
    log.info("%d things, %s a month; %d may go", len(found.findings), cost, len(found.going))
    if apply and found.going:
        swept = remove(found.going, scope)
        log.info("%d removed, %d left as they must stay now", len(swept.removed), len(swept.spared))
        check_all_gone(swept, hint="Run the deployment `sweep` again, with apply.")
    check_all_regions_answered(found)
    return len(found.going)


def regions_named(regions: list[str]) -> tuple[str, ...]:
    """Return the regions, with `all` as those of the account."""
    named = tuple(one for one in regions if one != "all")
    if "all" in regions:
        return enabled_regions(named[0] if named else usual_region())
    return named


def line_of(one: Assessment) -> str:
    """Return one line about a finding."""
    fate = f"stays: {one.reason_to_stay}" if one.reason_to_stay else "expired, proven ours"
    cost = format_monthly(one.usd_per_month)
    return f"{describe_place(one.resource)}, run {one.resource.run_id}, {cost} a month: {fate}"
