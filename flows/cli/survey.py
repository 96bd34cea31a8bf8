"""The commands that only look: survey, images, plan."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.terminal.console import open_console
from notebake import clock
from notebake.costs.estimate import CostLine, estimate
from notebake.costs.money import format_estimate
from notebake.errors import RunStoreError
from notebake.recipe.file import load_recipe
from notebake.runs import registry
from notebake.runs.open_store import default_location, open_store
from notebake.timestamps import utc_from_seconds

if TYPE_CHECKING:
    from notebake.preflight import Finding


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


def regions_of(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the regions that were asked for: those named, all of the account, or the usual one."""
    from notebake.aws.inventory import enabled_regions

    if given.all_regions:
        return enabled_regions(usual_region())
    return tuple(dict.fromkeys(given.region or ())) or (usual_region(),)


def survey(given: argparse.Namespace) -> int:
    """List what carries our tags, by looking; 0 when that worked, whatever was found."""
    from flows.terminal.findings_table import print_costs, print_elsewhere, print_findings
    from notebake.resources.survey import Scope, check_all_answered
    from notebake.resources.survey import survey as look

    regions = regions_of(given)
    store = given.store or default_location()
    if given.run and not given.region and not given.all_regions:
        regions = (region_of_run(given.run, store) or regions[0],)
    scope = Scope(
        regions=regions, run_id=given.run, store=store, before=utc_from_seconds(clock.now())
    )
    found = look(scope)
    console = open_console()
    if found.findings:
        heading = "Expired: `notebake sweep --apply` removes it"
        print_findings(console, found.findings, going=heading)
        print_costs(console, found.findings)
    elif not found.unanswered:
        where = ", ".join(regions)
        of_whom = given.run or "any run"
        console.print(f"Nothing in {where} carries the tag of {of_whom}.", soft_wrap=True)
    print_elsewhere(console, found.elsewhere)
    check_all_answered(found)
    return 0


def region_of_run(run_id: str, location: str) -> str:
    """Return where a run that the store has makes its things; "" for one that it has not."""
    try:
        return registry.load_run(run_id, open_store(location)).recipe.region
    except RunStoreError:
        return ""


def images(given: argparse.Namespace) -> int:
    """List the images that were made in a region."""
    from notebake.aws import tags
    from notebake.aws.inventory import list_resources as look

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
    from notebake.preflight import ask_everything, refuse_wrong
    from notebake.runs.run import Run

    console = open_console()
    run = Run(id=f"{recipe.name}-YYYYMMDD-hhmmss-xxxx", recipe=recipe, store="")
    findings = ask_everything(run)
    show_findings(console, findings)
    refuse_wrong(run, findings)
    console.print(f"\n[bold]{recipe.name}[/bold]: nothing that was checked stands in the way.")
    costs = estimate(recipe)
    console.print(f"\nWhat a build costs, by prices of {costs.prices_written}:")
    console.print(cost_table(costs.build), soft_wrap=True)
    console.print(f"  in all {format_estimate(costs.build)}")
    console.print("\nWhat its image costs each month afterwards, at most:")
    console.print(cost_table(costs.monthly), soft_wrap=True)
    console.print("\nNothing was made.")
    return 0


def show_findings(console: Console, findings: list["Finding"]) -> None:
    """List what is in order and what nobody could tell; what is wrong is said as the error."""
    from notebake.preflight import CheckResult, with_verdict

    titles = {CheckResult.GOOD: "In order", CheckResult.NOT_CHECKED: "Not checked"}
    for verdict, title in titles.items():
        chosen = with_verdict(findings, verdict)
        if chosen:
            console.print(f"[bold]{title}[/bold]")
        for one in chosen:
            console.print(Padding(Text(str(one)), (0, 0, 0, 2), expand=False))


def cost_table(lines: tuple[CostLine, ...]) -> Table:
    """Return what is paid for, line by line; an unknown price is said."""
    table = Table.grid(padding=(0, 2))
    for line in lines:
        usd = "no price known" if line.usd is None else f"${line.usd:.3f}"
        table.add_row(f"  {line.what}", f"{line.quantity:g} {line.unit}", usd)
    return table
