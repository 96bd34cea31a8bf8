"""Notebook servers in the terminal: as a table, and before and after they are started."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from flows.terminal.console import open_console
from flows.terminal.history_table import align
from flows.terminal.plain_lines import print_whole_words
from flows.terminal.server_costs import (
    describe_addresses,
    describe_choice,
    describe_volumes,
    format_spending,
)
from notebake import clock
from notebake.aws import tags
from notebake.costs.estimate import format_monthly, format_sum
from notebake.errors import NextCommand
from notebake.humanize import format_local, format_span, pluralize
from notebake.servers.ends import describe_ends
from notebake.servers.offer import price_address, price_server

if TYPE_CHECKING:
    from notebake.servers.image_choice import ChosenImage
    from notebake.servers.launch_plan import LaunchPlan
    from notebake.servers.listed_server import Listed, ListedServer
    from notebake.servers.server import Server
    from notebake.servers.volume_choice import VolumeChoice

COLUMNS = ("server", "owner", "state", "an hour", "address")
UNKNOWN = "not known"
OUTSIDE = {
    True: "EventBridge stops it then, too",
    False: "EventBridge does not stop it then: another start, also while it runs, mends that",
    None: "whether EventBridge stops it, too, is not known",
}


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
        yield f"{listed.stops}{_kept(server)}{_condition(server.tags)}"
    if listed.stops and server.scheduler_role:
        yield OUTSIDE[listed.ends_outside]


def _kept(server: "Server") -> str:
    until = server.keep_until
    if until is None or until.timestamp() <= clock.now():
        return ""
    if not server.daily_end and server.hard_end and server.hard_end <= until:
        return "; kept until then"  # no hold goes beyond the hard end
    return f"; kept until {format_local(until)}"


def describe_plan(
    plan: "LaunchPlan",
    image: "ChosenImage",
    existing: "Server | None",
    volumes: "Sequence[VolumeChoice]",
) -> Iterator[str]:
    """Give the lines that say what is about to be started, what it costs, and when it stops."""
    elastic = plan.has_elastic_address or (existing is not None and existing.has_elastic_address)
    kind = existing.instance_type if existing else plan.instance_type
    offer = price_server(kind, plan.size_gib, plan.region, has_elastic_address=elastic)
    if existing:
        yield f"{existing.name} is there already: {existing.id}, {kind}, {existing.state}."
        yield f"Running it costs {format_usd(offer.usd_per_hour)} an hour."
        if any(existing.tags.get(key, "") != value for key, value in plan.changes.items()):
            marks = existing.tags | plan.changes
            yield f"From now on it stops {describe_ends(marks)}{_condition(marks)}."
    else:
        yield f"Server {plan.name} of {plan.owner}: {kind} in {plan.region}"
        yield f"Image    {image.id} {image.name}".rstrip() + f" ({image.why})"
        hourly = format_usd(offer.usd_per_hour)
        yield f"Costs    {hourly} an hour running, with disks and address"
        yield f"         {format_monthly(offer.usd_per_month_stopped)} a month stopped"
        yield f"         by notebake's prices of {offer.prices_written}"
        yield f"Stops    {describe_ends(plan.tags)}{_condition(plan.tags)}"
        if plan.tags.get(tags.SCHEDULER_ROLE):
            yield f"         {OUTSIDE[True]}"
    yield from (f"Volume   {describe_choice(choice, plan.region)}" for choice in volumes)
    if plan.has_elastic_address:
        month = price_address(plan.region)
        yield f"Address  elastic, the same at each start: {format_monthly(month)} a month"


def describe_started(server: "Server") -> Iterator[str]:
    """Give the lines that say what runs now, and what to type next."""
    yield f"{server.name} runs: {server.id} at {server.address}."
    yield f"It stops {describe_ends(server.tags)}{_condition(server.tags)}."
    yield f"To open it in the browser: {_opening(server)}"


def describe_running(server: "Server", size_gib: int) -> str:
    """Return in one sentence where a server runs, what it costs, and when it stops by itself."""
    offer = price_server(server.instance_type, size_gib, server.region)
    place = f"{server.name} of {server.owner} runs at {server.address}"
    end = f"stops by itself {describe_ends(server.tags)}{_condition(server.tags)}"
    return f"{place}, {format_usd(offer.usd_per_hour)} an hour, {end}"


def _opening(server: "Server") -> str:
    return NextCommand(("open", server.name)).command_line()


def _condition(marks: Mapping[str, str]) -> str:
    """Return what has to be so if the image is not known to be one of notebake's."""
    return "" if marks.get(tags.RECIPE) else ", if its image has notebake's idle stop"


def format_usd(usd: float | None) -> str:
    """Return the costs of an hour, to a tenth of a cent."""
    return UNKNOWN if usd is None else f"${usd:.3f}"
