"""The prune as a flow, which a schedule can start; it changes nothing unless `apply` is set."""

import logging
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows.approved_acts import Removals
from flows.catalogue_markdown import done_lines, plan_lines
from flows.notices import IMAGE_RETIRING, announce
from flows.prefect_ui.form import RecipePaths, StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from notebake.images.prune.plan import PrunePlan, describe_plan, make_plan
from notebake.images.prune.pruner import Pruned, check_all_done, prune_region
from notebake.recipe.file import load_recipe
from notebake.runs.approvals.approval_log import awaiting_images
from notebake.runs.open_store import default_location, open_store
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)
KEY = "prune"


@flow(name="Prune images")
@ending_plainly
def prune_images(recipes: RecipePaths, apply: bool = False, store: StoreLocation = "") -> Any:
    """List which images of recipes may go, by their `prune`, and retire them if `apply` is set.

    An image is deprecated, then disabled, then removed with its snapshots, each after its own days.
    It stays if anything uses it, or if that could not be asked. The artifact `prune` has each image
    with the reason; `data` of the state has the digest of each region's plan.

    Args:
        recipes: Paths of recipes on the worker; all images of their regions are listed.
        apply: Do what is due. Otherwise nothing is changed.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        PruneError: EC2 refused something that was to be done.
        Pause: a removal is to be approved; all else is done.
        NotebakeError: a recipe is wrong, the run store failed, or EC2 does not list the images.
    """
    allow_waits()
    wanted = [load_recipe(Path(path)) for path in dict.fromkeys(recipes)]
    removals = Removals(wanted, store or default_location())
    runs = open_store(store or default_location())
    plans: list[PrunePlan] = []
    done = Pruned()

    def show(plan: PrunePlan) -> PrunePlan:
        """Show a plan before it is carried out, without removals that are to be approved first."""
        plan = removals.only_approved(plan) if apply else plan
        plans.append(plan)
        show_plans(plans, done)
        return plan

    awaiting = awaiting_images(runs.location)
    for region in dict.fromkeys(recipe.region for recipe in wanted):
        if apply:
            done += prune_region(wanted, region, runs, awaiting_approval=awaiting, agree=show)
        else:
            show(make_plan(wanted, region, runs, awaiting))
    if apply:
        show_plans(plans, done)
    announce_retiring(plans, is_done=apply)
    check_all_done(done)
    removals.ask()
    sentence = "; ".join(describe_plan(plan, is_done=apply) for plan in plans)
    unread = list(dict.fromkeys(reason for plan in plans for reason in plan.unread))
    message = "; not known: ".join([sentence, *unread])
    return Completed(message=message, data={plan.region: plan.digest for plan in plans})


def announce_retiring(plans: list[PrunePlan], *, is_done: bool) -> None:
    """Announce which images are going to be retired, or were; one event for all regions."""
    going = [(plan.region, each) for plan in plans for each in plan.going]
    if not going:
        return
    later = "run the deployment `prune` with apply, or type: notebake prune RECIPE --apply"
    announce(
        IMAGE_RETIRING,
        "-".join(dict.fromkeys(region for region, _ in going)),
        subject="; ".join(describe_plan(plan, is_done=is_done) for plan in plans if plan.going),
        lines=[
            f"{each.action} {each.image_id} in {region}: {each.reason}" for region, each in going
        ],
        press="nothing, unless one is to stay: tag it notebake:keep" if is_done else later,
    )


def show_plans(plans: list[PrunePlan], done: Pruned) -> None:
    """Log each plan in one sentence, and make all of them an artifact with what was done."""
    lines = [line for plan in plans for line in plan_lines(plan)]
    lines += done_lines(done) if done.done or done.failures or done.spared else []
    sentence = "; ".join(map(describe_plan, plans))
    log.info("%s", sentence)
    create_markdown_artifact("\n".join(lines), key=KEY, description=sentence)
