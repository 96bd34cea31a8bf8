"""What a look into the account found, for people: by run, by what becomes of it, with its cost."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from notebake import clock
from notebake.fate import WITHIN_LEASE, Finding
from notebake.moments import spell_briefly, spell_local
from notebake.monthly_cost import spell_monthly, spell_sum
from notebake.prices import read_prices

SHORT_KINDS = {"network interface": "interface", "security group": "group"}


def print_findings(console: Console, findings: Sequence[Finding], *, going: str) -> None:
    """Show each run's things under what becomes of them; `going` heads those that may go."""
    runs = sorted(findings, key=lambda one: (one.resource.region, one.resource.run_id))
    for (region, run_id), of_run in groupby(
        runs, key=lambda one: (one.resource.region, one.resource.run_id)
    ):
        console.print(Text.assemble((f"run {run_id}", "bold"), f" in {region}"), soft_wrap=True)
        by_fate = sorted(of_run, key=lambda one: (bool(one.reason_to_stay), one.reason_to_stay))
        for reason, alike in groupby(by_fate, key=lambda one: one.reason_to_stay):
            group = list(alike)
            heading = f"Stays: {reason}{_until(group)}" if reason else going
            console.print(Text(f"  {heading}", "dim" if reason else "yellow"), soft_wrap=True)
            console.print(_table(group), soft_wrap=True)
        console.print()


def _until(findings: list[Finding]) -> str:
    """Return until when the last of them stays, where that is why they stay."""
    ends = [one.ends_at for one in findings if one.ends_at]
    if findings[0].reason_to_stay != WITHIN_LEASE or not ends:
        return ""
    return f", until {spell_local(max(ends))} unless it is renewed"


def _table(findings: list[Finding]) -> Table:
    """Return one line for each: kind, id, state, age, end, monthly cost."""
    table = Table.grid(padding=(0, 2, 0, 0))
    # The widths are the same in every table, so that the columns of all of them stand in line.
    for width in (11, 21, 9, 6, 8):
        table.add_column(min_width=width, no_wrap=True)
    table.add_column(justify="right", min_width=8, no_wrap=True)
    for one in findings:
        resource = one.resource
        age = resource.made_at.timestamp() if resource.made_at else None
        table.add_row(
            f"    {SHORT_KINDS.get(resource.kind, resource.kind)}",
            resource.id,
            resource.state,
            spell_briefly(clock.now() - age) if age else "",
            _spell_end(one),
            spell_monthly(one.usd_per_month),
        )
    return table


def _spell_end(one: Finding) -> str:
    """Return how long it lasts, or has lasted too long."""
    if one.ends_at is None:
        return ""
    seconds = one.ends_at.timestamp() - clock.now()
    return f"in {spell_briefly(seconds)}" if seconds > 0 else f"{spell_briefly(-seconds)} ago"


def print_costs(console: Console, findings: Sequence[Finding]) -> None:
    """Show what all of it costs a month, and what of that a sweep would end."""
    going = [one.usd_per_month for one in findings if one.goes]
    every = [one.usd_per_month for one in findings]
    written = read_prices().written.isoformat()
    console.print(f"In all {spell_sum(every)} a month, by prices of {written}.", soft_wrap=True)
    if going:
        console.print(f"What may go costs {spell_sum(going)} of that.", soft_wrap=True)
