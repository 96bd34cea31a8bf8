"""The findings of a survey as a table: by run and by whether they may go, with their costs."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from flows.terminal.console import open_console
from notebake import clock
from notebake.costs.estimate import format_monthly, format_sum
from notebake.costs.prices import read_prices
from notebake.humanize import format_briefly, format_local, pluralize
from notebake.resources.retention import WITHIN_LEASE, Assessment
from notebake.resources.survey import Survey

LINE = "    {:<9}  {:<22} {:<9} {:>7} {:>10} {:>9}"
"""Narrower than 80 columns, except for our own names, which are longer than EC2's ids."""
HEADER = LINE.format("", "", "", "age", "ends", "a month")
SHORT_KINDS = {"network interface": "interface", "security group": "group"}


def print_found(found: Survey, *, going: str, nothing: str) -> None:
    """Print the findings and their costs, or the sentence `nothing`."""
    console = open_console()
    print_findings(console, found.findings, going=going)
    if found.findings:
        print_costs(console, found.findings)
    elif not found.unanswered:
        console.print(nothing, soft_wrap=True)
    for run in found.elsewhere:
        console.print(f"Not searched for: {run}.", soft_wrap=True)


def print_removal_command(found: Survey, command_line: str) -> None:
    """Print that nothing was removed, and the command that removes it."""
    console = open_console()
    if count := len(found.going):
        things = pluralize(count, "thing")
        console.print(
            f"\nNothing was removed. To remove {things}:\n  {command_line}", soft_wrap=True
        )
    elif found.findings:
        console.print("\nNothing has expired that is proven ours: there is nothing to remove.")


def print_findings(console: Console, findings: Sequence[Assessment], *, going: str) -> None:
    """Print the findings by run and reason to stay; `going` is the heading of those that may go."""
    for (region, run_id), of_run in groupby(sorted(findings, key=_place), key=_place):
        console.print(Text.assemble((f"run {run_id}", "bold"), f" in {region}"), soft_wrap=True)
        console.print(Text(HEADER, "dim"), soft_wrap=True)
        by_reason = sorted(
            of_run, key=lambda finding: (bool(finding.reason_to_stay), finding.reason_to_stay)
        )
        for reason, alike in groupby(by_reason, key=lambda finding: finding.reason_to_stay):
            group = list(alike)
            heading = f"Stays: {reason}{_until(group)}" if reason else going
            console.print(Text(f"  {heading}", "dim" if reason else "yellow"), soft_wrap=True)
            for finding in group:
                console.print(Text(_row(finding)), soft_wrap=True)
        console.print()


def _place(finding: Assessment) -> tuple[str, str]:
    return finding.resource.region, finding.resource.run_id


def _until(findings: list[Assessment]) -> str:
    """Return the end of the last lease, if the resources stay because of their leases."""
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
    """Return the time until the end, or since the end."""
    if finding.ends_at is None:
        return ""
    seconds = finding.ends_at.timestamp() - clock.now()
    return f"in {format_briefly(seconds)}" if seconds > 0 else f"{format_briefly(-seconds)} ago"


def print_costs(console: Console, findings: Sequence[Assessment]) -> None:
    """Print the monthly costs of all findings, and of those that may go."""
    going = [finding.usd_per_month for finding in findings if finding.may_go]
    every = [finding.usd_per_month for finding in findings]
    written = read_prices().written.isoformat()
    console.print(f"In all {format_sum(every)} a month, by prices of {written}.", soft_wrap=True)
    if going:
        console.print(f"What may go costs {format_sum(going)} of that.", soft_wrap=True)
