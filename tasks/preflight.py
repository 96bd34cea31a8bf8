"""Checks everything that can fail before anything is paid for.

Needs   credentials
Gives   Done: how many checks passed, and how many could not be made
Costs   nothing
"""

import logging

from notebake.costs.estimate import estimate, format_estimate
from notebake.images.image_state import current_image
from notebake.preflight.checks import check_everything
from notebake.preflight.finding import CheckResult, with_verdict
from notebake.record import digest_of
from notebake.resources import stack_instances
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run

log = logging.getLogger(__name__)


def find(run: Run) -> Done | None:
    """Return the result if the builder or the image exists already."""
    existing = stack_instances.find_builder(run) or current_image(run)
    if existing is None:
        return None
    return Done(digest=digest_of(run.recipe), detail=f"{existing.id} exists")


def make(run: Run) -> Done:
    """Make all checks concurrently."""
    findings = check_everything(run)
    passed = with_verdict(findings, CheckResult.GOOD)
    not_checked = with_verdict(findings, CheckResult.NOT_CHECKED)
    for finding in passed:
        log.info("%s", finding)
    for finding in with_verdict(findings, CheckResult.WARNING):
        log.warning("%s", finding)
    for finding in not_checked:
        log.info("Not checked: %s", finding)
    costs = estimate(run.recipe)
    log.info(
        "On AWS the build costs %s and its image at most %s a month, with prices of %s.",
        format_estimate(costs.build),
        format_estimate(costs.monthly),
        costs.prices_written,
    )
    detail = f"{len(passed)} checks passed"
    if not_checked:
        detail += f", {len(not_checked)} could not be made"
    return Done(digest=digest_of(run.recipe), detail=detail)


STEP = Step("preflight", "Check that it can work", find, make)
