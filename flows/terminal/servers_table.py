"""Notebook servers in the terminal, as a table."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from flows.terminal.console import open_console
from flows.terminal.history_table import align
from flows.terminal.plain_lines import print_whole_words
from flows.terminal.server_costs import describe_addresses, describe_volumes, format_spending
from flows.terminal.server_power import OUTSIDE, describe_condition, describe_hold, format_usd
from notebake import clock
from notebake.costs.estimate import format_monthly, format_sum
from notebake.humanize import format_span, pluralize

if TYPE_CHECKING:
    from notebake.servers.listed_server import Listed, ListedServer

COLUMNS = ("server", "owner", "state", "an hour", "address")


def print_servers(listed: "Listed", regions: Sequence[str]) -> None:
    """Print the servers, the volumes that outlive them, and what all of them cost."""
    console = open_console()
    where = ", ".join(regions) if len(regions) < 4 else f"{len(regions)} regions"
    if listed.servers:
        print_whole_words(console, map(str.rstrip, _servers(listed.servers, where)))
    else:
        console.print(f"No server in {where}. To start one: notebake start IMAGE", markup=False)
    below = (*describe_volumes(listed), *describe_addresses(listed))
    print_whole_words(console, map(str.rstrip, below))


def _servers(servers: "Sequence[ListedServer]", where: str) -> Iterator[str]:
    heading, *rows = align([COLUMNS, *(_cells(each) for each in servers)])
    yield heading
    for each, row in zip(servers, rows, strict=True):
        yield row
        yield from _below(each)
    costs = [each.usd_per_hour for each in servers]
    cost = f"{format_sum(costs)} an hour" if any(costs) else "of no known price"
    yield f"\n{pluralize(len(servers), 'server')} in {where}: {cost}."


def _cells(listed: "ListedServer") -> tuple[str, ...]:
    server = listed.server
    address = server.address if server.state == "running" else ""
    return server.name, server.owner, server.state, format_usd(listed.usd_per_hour), address


def _below(listed: "ListedServer") -> Iterator[str]:
    """Give what stands below a server's row."""
    server = listed.server
    age = format_span(clock.now() - server.started_at.timestamp())
    stopped = format_monthly(listed.offer.usd_per_month_stopped)
    yield f"  {server.id}, {server.instance_type}, started {age} ago, {stopped} a month stopped"
    yield f"  so far {format_spending(listed.spent)}"
    if listed.use:
        yield f"  {listed.use[:1].lower()}{listed.use[1:]}"
    if end := list(describe_end(listed)):
        yield f"  stops {end[0]}"
        yield from (f"  {line}" for line in end[1:])


def describe_end(listed: "ListedServer") -> Iterator[str]:
    """Give when a server that runs stops by itself, and whether that stands outside of it, too."""
    server = listed.server
    if listed.stops:
        yield f"{listed.stops}{describe_hold(server)}{describe_condition(server.tags)}"
    if listed.stops and server.scheduler_role:
        yield OUTSIDE[listed.ends_outside]
