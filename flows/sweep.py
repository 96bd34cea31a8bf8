"""The sweep as a flow, which a schedule can start; it removes nothing unless `apply` is set."""

import logging
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows.notices import MACHINE_EXPIRED, announce
from flows.prefect_ui.form import Regions, StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from notebake import clock
from notebake.aws.inventory import enabled_regions
from notebake.costs.estimate import format_monthly, format_sum
from notebake.humanize import pluralize
from notebake.local.usual_region import usual_region
from notebake.resources.retention import Assessment
from notebake.resources.survey import Scope, Survey, check_all_regions_answered, survey
from notebake.resources.sweep import check_all_gone, describe_place, remove
from notebake.runs.open_store import default_location
from notebake.timestamps import utc_from_seconds
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)
KEY = "sweep"


@flow(name="Sweep")
@ending_plainly
def sweep(regions: Regions, apply: bool = False, store: StoreLocation = "") -> Any:
    """List what runs have left behind, remove what has expired, and return how many may go.

    Args:
        regions: The regions to search, such as us-west-2; `all`: all regions of the account.
        apply: Remove what has expired and is proven ours. Otherwise nothing is changed.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        SweepError: something still exists that should be gone.
        NotebakeError: a region could not be searched.
    """
    allow_waits()
    scope = Scope(
        regions=expand_regions(regions),
        store=store or default_location(),
        before=utc_from_seconds(clock.now()),
    )
    found = survey(scope)
    show_findings(found)
    removed = 0
    if found.going and not apply:
        announce_expired(found, "and still there")
    if apply and found.going:
        swept = remove(found.going, scope)
        log.info("%d removed, %d left, as they must stay", len(swept.removed), len(swept.spared))
        check_all_gone(swept, hint="Run the deployment `sweep` again, with apply.")
        removed = len(swept.removed)
        announce_expired(found, f"of which this sweep removed {removed}")
    check_all_regions_answered(found)
    then = f"{removed} removed" if apply else f"{len(found.going)} expired, and may go"
    return Completed(message=f"{summarize(found)}; {then}", data=len(found.going))


def show_findings(found: Survey) -> None:
    """Log what was found, and make it an artifact of the flow run."""
    lines = [describe_finding(finding) for finding in found.findings]
    lines += [f"Not searched for: {run}" for run in found.elsewhere]
    for line in lines:
        log.info("%s", line)
    text = "\n".join((f"# {summarize(found)}", "", *(f"- {line}" for line in lines)))
    create_markdown_artifact(text, key=KEY, description=summarize(found))


def announce_expired(found: Survey, outcome: str) -> None:
    """Announce what should have ended by itself, and has not; one event for all of it."""
    cost = format_sum([finding.usd_per_month for finding in found.going])
    count = pluralize(len(found.going), "resource")
    announce(
        MACHINE_EXPIRED,
        "-".join(sorted({finding.resource.region for finding in found.going})),
        subject=f"{count} beyond the lease, {outcome}: {cost} a month",
        lines=[describe_finding(finding) for finding in found.going],
        press="run the deployment `sweep` with apply, or type: notebake sweep --apply",
    )


def summarize(found: Survey) -> str:
    """Return how many resources were found, and what they cost."""
    cost = format_sum([finding.usd_per_month for finding in found.findings])
    return f"{pluralize(len(found.findings), 'resource')} of runs, {cost} a month"


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
