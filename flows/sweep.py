"""The sweep as a flow, which a schedule can start; it removes nothing unless `apply` is set."""

import logging

from prefect import flow

from flows.cli.arguments import usual_region
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
    """List what runs have left behind, remove what has expired, and return how many may go.

    Args:
        regions: The regions to search; `all` means all regions of the account.
        apply: Remove the expired resources. Otherwise nothing is changed.
        store: The run store, which has more data than the tags; empty: the default one.

    Raises:
        SweepError: something still exists that should be gone.
        NotebakeError: a region could not be searched.
    """
    show_logs_in_prefect()
    allow_waits()
    scope = Scope(
        regions=expand_regions(regions),
        store=store or default_location(),
        before=utc_from_seconds(clock.now()),
    )
    found = survey(scope)
    for finding in found.findings:
        log.info("%s", describe_finding(finding))
    for run in found.elsewhere:
        log.info("Not searched for: %s", run)
    cost = format_sum([finding.usd_per_month for finding in found.findings])
    count = len(found.findings)
    log.info("%d resources, %s a month; %d may go", count, cost, len(found.going))
    if apply and found.going:
        swept = remove(found.going, scope)
        log.info("%d removed, %d left, as they must stay", len(swept.removed), len(swept.spared))
        check_all_gone(swept, hint="Run the deployment `sweep` again, with apply.")
    check_all_regions_answered(found)
    return len(found.going)


def expand_regions(regions: list[str]) -> tuple[str, ...]:
    """Return the regions, with `all` replaced by the enabled regions of the account."""
    named = tuple(region for region in regions if region != "all")
    if "all" in regions:
        return enabled_regions(named[0] if named else usual_region())
    return named


def describe_finding(finding: Assessment) -> str:
    """Return one line about a finding."""
    reason = finding.reason_to_stay
    outcome = f"stays: {reason}" if reason else "expired, proven ours"
    cost = format_monthly(finding.usd_per_month)
    run_id = finding.resource.run_id
    return f"{describe_place(finding.resource)}, run {run_id}, {cost} a month: {outcome}"
