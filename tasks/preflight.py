"""Everything that can fail, tried before anything is paid for.

Needs   credentials
Gives   Done: how many questions were answered well
Costs   nothing
"""

import logging

from notebake.aws import instances
from notebake.builder import baked_image
from notebake.cost import describe_sum, estimate
from notebake.digest import digest_of
from notebake.preflight import check_everything
from notebake.records import Done, Run
from notebake.step import Step

log = logging.getLogger(__name__)


def find_checked(run: Run) -> Done | None:
    """Return that the run is past the point at which nothing had been made."""
    there = instances.find_builder(run) or baked_image(run)
    return Done(digest=digest_of(run.recipe), detail=f"{there.id} is there") if there else None


def check(run: Run) -> Done:
    """Ask everything at once."""
    answers = check_everything(run)
    for answer in answers:
        log.info("%s", answer)
    costs = estimate(run.recipe)
    log.info(
        "On AWS the build costs %s and its image at most %s a month, by prices of %s.",
        describe_sum(costs.build),
        describe_sum(costs.monthly),
        costs.prices_written,
    )
    return Done(digest=digest_of(run.recipe), detail=f"{len(answers)} checks passed")


STEP = Step("preflight", "Check that it can work", find_checked, check)
