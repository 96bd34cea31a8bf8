"""The commands that only look: survey, images, plan."""

import argparse
import os
from pathlib import Path

from rich.table import Table

from flows.console import open_console
from notebake import runs
from notebake.cost import CostLine, describe_sum, estimate
from notebake.recipe_file import load_recipe
from notebake.run_store import default_location, open_store


def run(given: argparse.Namespace) -> int:
    """Run the command that was given."""
    if given.command == "survey":
        return survey(given)
    if given.command == "images":
        return images(given)
    return plan(given)


def usual_region() -> str:
    """Return the region that the environment names, or Oregon."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-west-2"


def survey(given: argparse.Namespace) -> int:
    """List what carries our tags, by looking; 0 when that worked, whatever was found."""
    from notebake.survey import is_kept
    from notebake.survey import survey as look

    region = given.region or usual_region()
    if given.run and not given.region:
        store = open_store(given.store or default_location())
        region = runs.load_run(given.run, store).recipe.region
    found = look(region, given.run)
    console = open_console()
    if not found:
        console.print(f"Nothing in {region} carries the tag of {given.run or 'any run'}.")
        return 0
    table = Table("what", "id", "state", "run", "ends by itself", box=None, pad_edge=False)
    for one in sorted(found, key=lambda one: (one.run_id, one.kind)):
        ends = "stays: accepted" if is_kept(one) else one.expires
        table.add_row(one.kind, one.id, one.state, one.run_id, ends)
    console.print(table)
    return 0


def images(given: argparse.Namespace) -> int:
    """List the images that were made in a region."""
    from notebake.aws import tags
    from notebake.survey import survey as look

    region = given.region or usual_region()
    found = [one for one in look(region) if one.kind == "image"]
    console = open_console()
    if not found:
        console.print(f"No image in {region} was made by notebake.")
        return 0
    table = Table("image", "recipe", "run", "state", "accepted", box=None, pad_edge=False)
    for one in sorted(found, key=lambda one: one.run_id):
        accepted = one.tags.get(tags.ACCEPTED, "no")
        table.add_row(one.id, one.tags.get(tags.RECIPE, ""), one.run_id, one.state, accepted)
    console.print(table)
    return 0


def plan(given: argparse.Namespace) -> int:
    """Check everything that can be checked, and say what a build will make and cost."""
    from notebake.preflight import check_everything
    from notebake.records import Run

    recipe = load_recipe(Path(given.recipe))
    console = open_console()
    answers = check_everything(Run(id=f"{recipe.name}-plan", recipe=recipe, store=""))
    console.print(f"[bold]{recipe.name}[/bold]: everything that can be checked is in order.")
    for answer in answers:
        console.print(f"  {answer}")
    costs = estimate(recipe)
    console.print(f"\nWhat a build costs, by prices of {costs.prices_written}:")
    console.print(cost_table(costs.build))
    console.print(f"  in all {describe_sum(costs.build)}")
    console.print("\nWhat its image costs each month afterwards, at most:")
    console.print(cost_table(costs.monthly))
    console.print("\nNothing was made.")
    return 0


def cost_table(lines: tuple[CostLine, ...]) -> Table:
    """Return what is paid for, line by line; an unknown price is said."""
    table = Table.grid(padding=(0, 2))
    for line in lines:
        usd = "no price known" if line.usd is None else f"${line.usd:.3f}"
        table.add_row(f"  {line.what}", f"{line.quantity:g} {line.unit}", usd)
    return table
