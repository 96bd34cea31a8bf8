"""Everything that can fail, tried before anything is paid for.

Needs   credentials
Gives   Done: how many answers were good, and how many questions stayed open
Costs   nothing
"""

import logging

from notebake.costs.estimate import estimate
from notebake.costs.money import format_estimate
from notebake.images.baked import current_image
from notebake.preflight.checks import check_everything
from notebake.preflight.finding import CheckResult, with_verdict
from notebake.record import digest_of
from notebake.resources import own_machines
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run

log = logging.getLogger(__name__)


def find(run: Run) -> Done | None:
    """Return that the run is past the point at which nothing had been made."""
    there = own_machines.find_builder(run) or current_image(run)
    return Done(digest=digest_of(run.recipe), detail=f"{there.id} is there") if there else None


def make(run: Run) -> Done:
    """Ask everything at once."""
    findings = check_everything(run)
    in_order = with_verdict(findings, CheckResult.GOOD)
    still_open = with_verdict(findings, CheckResult.NOT_CHECKED)
    for one in in_order:
        log.info("%s", one)
    for one in still_open:
        log.info("Not checked: %s", one)
    costs = estimate(run.recipe)
    log.info(
        "On AWS the build costs %s and its image at most %s a month, by prices of %s.",
        format_estimate(costs.build),
        format_estimate(costs.monthly),
        costs.prices_written,
    )
    detail = f"{len(in_order)} checks passed"
    if still_open:
        detail += f", {len(still_open)} could not be made"
    return Done(digest=digest_of(run.recipe), detail=detail)


STEP = Step("preflight", "Check that it can work", find, make)
