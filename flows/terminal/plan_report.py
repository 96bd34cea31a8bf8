"""The output of the command `plan`: the findings of the checks, and the costs."""

from collections.abc import Iterable

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.terminal.console import open_console
from notebake.costs.estimate import CostLine, Estimate, format_estimate
from notebake.costs.prices import TABLE
from notebake.preflight.finding import CheckResult, Finding, with_verdict

TITLES = {
    CheckResult.GOOD: "In order",
    CheckResult.NOT_CHECKED: "Not checked",
    CheckResult.WARNING: "Warnings",
}


def print_findings(findings: Iterable[Finding]) -> None:
    """Print all but what is wrong, which the error contains."""
    console = open_console()
    for verdict, title in TITLES.items():
        chosen = with_verdict(findings, verdict)
        if chosen:
            console.print(f"[bold]{title}[/bold]")
        for finding in chosen:
            console.print(Padding(Text(str(finding)), (0, 0, 0, 2), expand=False))


def print_costs(recipe_name: str, costs: Estimate) -> None:
    """Print the costs of a build and of its image."""
    console = open_console()
    console.print(f"\n[bold]{recipe_name}[/bold]: nothing that was checked stands in the way.")
    listed = {line.price_date for line in costs.build if line.price_source != TABLE}
    source = f"; of machines AWS's of {min(listed)}" if listed else ""
    console.print(f"\nWhat a build costs, by prices of {costs.prices_written}{source}:")
    console.print(cost_table(costs.build), soft_wrap=True)
    console.print(f"  in all {format_estimate(costs.build)}")
    console.print("\nWhat its image costs each month afterwards, at most:")
    console.print(cost_table(costs.monthly), soft_wrap=True)
    console.print("\nNothing was made.")


def cost_table(lines: Iterable[CostLine]) -> Table:
    """Return a table of costs, with "no price known" for an unknown price."""
    table = Table.grid(padding=(0, 2))
    for line in lines:
        usd = "no price known" if line.usd is None else f"${line.usd:.3f}"
        table.add_row(f"  {line.what}", f"{line.quantity:g} {line.unit}", usd)
    return table
