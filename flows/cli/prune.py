"""The command `prune`: which images of recipes may go; `--apply` retires them."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, complete_with, location_of
from flows.cli.completers import find_recipes
from flows.cli.exit_codes import DONE, UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from notebake.images.prune.plan import PrunePlan
    from notebake.images.prune.pruner import Pruned
    from notebake.recipe import Recipe

EXAMPLE = """\
notebake prune deployments/ocean.yaml
notebake prune deployments/ocean.yaml --apply"""
FIELDS = {
    "images[].image_id": "AMI id",
    "images[].recipe": "name of its recipe",
    "images[].run_id": "run that made it",
    "images[].region": "AWS region",
    "images[].state": "state in EC2's words, before",
    "images[].action": "stay, deprecate, disable or remove",
    "images[].reason": "the one reason",
    "images[].usd_per_month": "its snapshots' costs at most; null: not known",
    "images[].snapshots": "ids of its snapshots",
    "plans": "digest of what would be done, by region",
    "done": "ids of the images with which --apply has done so",
    "left": "ids of those that it left, as they were in use by then",
    "failures": "what --apply could not do (exit code 1)",
    "unread": "what could not be read, so that its images stay (exit code 5)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    action = parser.add_argument(
        "recipes", nargs="+", metavar="recipe", help="recipe whose `prune` says what may go"
    )
    complete_with(find_recipes, action)
    parser.add_argument(
        "--apply", action="store_true", dest="does_work", help="do it; by default nothing is done"
    )
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List what becomes of each image in the recipes' regions, and do it with `--apply`.

    UNREADABLE if something could not be read: the images that it concerns stay.

    Raises:
        PruneError: EC2 refused something that was to be done.
    """
    from pathlib import Path

    from notebake.recipe.file import load_recipe

    recipes = [load_recipe(Path(path)) for path in dict.fromkeys(given.recipes)]
    from notebake.images.prune.pruner import check_all_done

    plans, done = prune_regions(recipes, given)
    if given.json:
        print_as_json(plans, done)
    elif not given.does_work:
        print_next(plans, given)
    check_all_done(done)
    return UNREADABLE if any(plan.unread for plan in plans) else DONE


def prune_regions(
    recipes: "Sequence[Recipe]", given: argparse.Namespace
) -> "tuple[list[PrunePlan], Pruned]":
    """Plan, print and do what is due in each region of the recipes."""
    from flows.terminal.prune_table import print_plan, print_pruned
    from notebake.images.prune.awaiting import find_awaiting_approval
    from notebake.images.prune.plan import make_plan
    from notebake.images.prune.pruner import Pruned, prune_region
    from notebake.runs.open_store import open_store

    store, plans, done = open_store(location_of(given)), [], Pruned()

    def show(plan: "PrunePlan") -> "PrunePlan":
        plans.append(plan)
        if not given.json:
            print_plan(plan)
        return plan

    for region in dict.fromkeys(recipe.region for recipe in recipes):
        awaiting = find_awaiting_approval(region, store)
        if not given.does_work:
            show(make_plan(recipes, region, store, awaiting))
            continue
        pruned = prune_region(recipes, region, store, awaiting_approval=awaiting, agree=show)
        if not given.json:
            print_pruned(pruned)
        done += pruned
    return plans, done


def print_next(plans: "list[PrunePlan]", given: argparse.Namespace) -> None:
    """Print that nothing was done, and the command that does it."""
    from flows.terminal.console import open_console
    from notebake.errors import NextCommand
    from notebake.images.prune.plan import describe_plan

    console = open_console()
    for plan in plans:
        console.print(f"{describe_plan(plan)}.", markup=False, soft_wrap=True)
    if any(plan.going for plan in plans):
        words = ("prune", *given.recipes, "--apply")
        line = NextCommand(words).command_line(given.store or "")
        console.print(f"Nothing was changed. To do it:\n  {line}", markup=False, soft_wrap=True)


def print_as_json(plans: "Sequence[PrunePlan]", done: "Pruned") -> None:
    """Print plans, and what was done, as one JSON document."""
    from flows.cli.json_output import print_document

    print_document(
        {
            "images": [
                {
                    "image_id": each.image_id,
                    "recipe": each.recipe or None,
                    "run_id": each.run_id or None,
                    "region": plan.region,
                    "state": each.state,
                    "action": each.action,
                    "reason": each.reason,
                    "usd_per_month": each.usd_per_month,
                    "snapshots": [*each.snapshot_ids],
                }
                for plan in plans
                for each in plan.decisions
            ],
            "plans": {plan.region: plan.digest for plan in plans},
            "done": [each.image_id for each in done.done],
            "left": [each.image_id for each in done.spared],
            "failures": [*done.failures],
            "unread": [reason for plan in plans for reason in plan.unread],
        }
    )
