"""What a look into the account found, for people: by run, by what becomes of it, with its cost."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from flows.terminal.console import open_console
from notebake import clock
from notebake.costs.estimate import format_monthly, format_sum
from notebake.costs.prices import read_prices
from notebake.humanize import format_briefly, format_local
from notebake.resources.retention import WITHIN_LEASE, Assessment
from notebake.resources.survey import Survey

LINE = "    {:<9}  {:<22} {:<9} {:>7} {:>10} {:>9}"
"""Narrower than 80 columns, except for names of our own making, which are longer than EC2's ids."""
HEADER = LINE.format("", "", "", "age", "ends", "a month")
SHORT_KINDS = {"network interface": "interface", "security group": "group"}


def print_found(found: Survey, *, going: str, nothing: str) -> None:
    """Show all that a look found and what it costs; `nothing` says that there is nothing."""
    console = open_console()
    print_findings(console, found.findings, going=going)
    if found.findings:
        print_costs(console, found.findings)
    elif not found.unanswered:
        console.print(nothing, soft_wrap=True)
    for run in found.elsewhere:
        console.print(f"Not looked for: {run}.", soft_wrap=True)


def print_dry_end(found: Survey, command_line: str) -> None:
    """Say that nothing was removed, and what would remove it."""
    console = open_console()
    if count := len(found.going):
        things = "1 thing" if count == 1 else f"{count} things"
        console.print(
            f"\nNothing was removed. To remove {things}:\n  {command_line}", soft_wrap=True
        )
    elif found.findings:
        console.print("\nNothing has expired that is proven ours: there is nothing to remove.")


def print_findings(console: Console, findings: Sequence[Assessment], *, going: str) -> None:
    """Show each run's things under what becomes of them; `going` heads those that may go."""
    runs = sorted(findings, key=lambda finding: (finding.resource.region, finding.resource.run_id))
    for (region, run_id), of_run in groupby(
        runs, key=lambda finding: (finding.resource.region, finding.resource.run_id)
    ):
        console.print(Text.assemble((f"run {run_id}", "bold"), f" in {region}"), soft_wrap=True)
        console.print(Text(HEADER, "dim"), soft_wrap=True)
        by_fate = sorted(
            of_run, key=lambda finding: (bool(finding.reason_to_stay), finding.reason_to_stay)
        )
        for reason, alike in groupby(by_fate, key=lambda finding: finding.reason_to_stay):
            group = list(alike)
            heading = f"Stays: {reason}{_until(group)}" if reason else going
            console.print(Text(f"  {heading}", "dim" if reason else "yellow"), soft_wrap=True)
            for finding in group:
                console.print(Text(_row(finding)), soft_wrap=True)
        console.print()


def _until(findings: list[Assessment]) -> str:
    """Return until when the last of them stays, where that is why they stay."""
    ends = [finding.ends_at for finding in findings if finding.ends_at]
    if findings[0].reason_to_stay != WITHIN_LEASE or not ends:
        return ""
    return f", until {format_local(max(ends))} unless it is renewed"


def _row(finding: Assessment) -> str:
    """Return kind, id, state, age, end and monthly cost in the columns of `HEADER`."""
    resource = finding.resource
    kind = SHORT_KINDS.get(resource.kind, resource.kind)
    age = format_briefly(clock.now() - resource.made_at.timestamp()) if resource.made_at else ""
    cost = format_monthly(finding.usd_per_month)
    return LINE.format(kind, resource.id, resource.state, age, _format_end(finding), cost).rstrip()


def _format_end(finding: Assessment) -> str:
    """Return how long it lasts, or has lasted too long."""
    if finding.ends_at is None:
        return ""
    seconds = finding.ends_at.timestamp() - clock.now()
    return f"in {format_briefly(seconds)}" if seconds > 0 else f"{format_briefly(-seconds)} ago"


def print_costs(console: Console, findings: Sequence[Assessment]) -> None:
    """Show what all of it costs a month, and what of that a sweep would end."""
    going = [finding.usd_per_month for finding in findings if finding.may_go]
    every = [finding.usd_per_month for finding in findings]
    written = read_prices().written.isoformat()
    console.print(f"In all {format_sum(every)} a month, by prices of {written}.", soft_wrap=True)
    if going:
        console.print(f"What may go costs {format_sum(going)} of that.", soft_wrap=True)
