"""The commands that only look: survey, images, plan."""

import argparse
import os
from itertools import groupby
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
    for run_id, group in groupby(sorted(found, key=lambda one: one.run_id), lambda one: one.run_id):
        console.print(f"[bold]run {run_id}[/bold] in {region}", soft_wrap=True)
        table = Table.grid(padding=(0, 2))
        for one in group:
            ends = f"ends by itself {one.expires}" if one.expires else "no end is set"
            state = "accepted: stays" if is_kept(one) else one.state
            table.add_row(f"  {one.kind}", one.id, state, "" if is_kept(one) else ends)
        console.print(table, soft_wrap=True)
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
    table = Table("image", "run", "", box=None, pad_edge=False)
    for one in sorted(found, key=lambda one: one.run_id):
        day = one.tags.get(tags.ACCEPTED, "")[:10]
        verdict = f"accepted {day}" if day else f"{one.state}, not accepted"
        table.add_row(one.id, one.run_id, verdict)
    console.print(table, soft_wrap=True)
    return 0


def plan(given: argparse.Namespace) -> int:
    """Check everything that can be checked, and say what a build will make and cost."""
    recipe = load_recipe(Path(given.recipe))
    from notebake.preflight import check_everything
    from notebake.records import Run

    console = open_console()
    run_id = f"{recipe.name}-YYYYMMDD-hhmmss-xxxx"
    answers = check_everything(Run(id=run_id, recipe=recipe, store=""))
    console.print(f"[bold]{recipe.name}[/bold]: everything that can be checked is in order.")
    for answer in answers:
        console.print(f"  {answer}", soft_wrap=True, markup=False)
    costs = estimate(recipe)
    console.print(f"\nWhat a build costs, by prices of {costs.prices_written}:")
    console.print(cost_table(costs.build), soft_wrap=True)
    console.print(f"  in all {describe_sum(costs.build)}")
    console.print("\nWhat its image costs each month afterwards, at most:")
    console.print(cost_table(costs.monthly), soft_wrap=True)
    console.print("\nNothing was made.")
    return 0


def cost_table(lines: tuple[CostLine, ...]) -> Table:
    """Return what is paid for, line by line; an unknown price is said."""
    table = Table.grid(padding=(0, 2))
    for line in lines:
        usd = "no price known" if line.usd is None else f"${line.usd:.3f}"
        table.add_row(f"  {line.what}", f"{line.quantity:g} {line.unit}", usd)
    return table
