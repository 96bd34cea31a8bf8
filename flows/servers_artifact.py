"""The artifact `servers`: one row for each server, made anew by each flow that touches one."""

from collections.abc import Iterator, Sequence

from prefect.artifacts import create_markdown_artifact

from flows.findings_markdown import escape
from flows.terminal.servers_table import describe_end, format_usd
from notebake import clock
from notebake.costs.estimate import format_monthly, format_sum
from notebake.humanize import format_span, pluralize
from notebake.servers.listed_server import ListedServer, list_all
from notebake.timestamps import utc_from_seconds

KEY = "servers"
COLUMNS = ("server", "owner", "state", "started", "in use?", "an hour", "a month stopped", "ends")
UNSAID = "its console does not say"


def show_servers(regions: Sequence[str]) -> list[ListedServer]:
    """Make the list of the servers of these regions the artifact, and return it.

    Raises:
        CloudError: a region refused, or gave no answer.
    """
    servers = list_all(regions)
    text = "\n".join(servers_lines(servers, regions))
    create_markdown_artifact(text, key=KEY, description=sum_up(servers, regions))
    return servers


def sum_up(servers: Sequence[ListedServer], regions: Sequence[str]) -> str:
    """Return how many servers there are, how many of them run, and what an hour costs."""
    where = ", ".join(regions) if len(regions) < 4 else f"{len(regions)} regions"
    if not servers:
        return f"No server in {where}"
    running = sum(listed.server.state == "running" for listed in servers)
    cost = format_sum([listed.usd_per_hour for listed in servers])
    return f"{pluralize(len(servers), 'server')} in {where}, {running} running: {cost} an hour"


def servers_lines(servers: Sequence[ListedServer], regions: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the list."""
    yield f"# {sum_up(servers, regions)}\n"
    yield f"{utc_from_seconds(clock.now()):%Y-%m-%d %H:%M} UTC\n"
    if not servers:
        yield "To start one, run the deployment `start`."
        return
    yield f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|"
    for listed in servers:
        yield f"| {' | '.join(map(escape, _cells(listed)))} |"
    yield "\nTo open one, type on your own computer: `notebake open NAME`."


def _cells(listed: ListedServer) -> tuple[str, ...]:
    server = listed.server
    age = format_span(clock.now() - server.started_at.timestamp())
    use = listed.use or (UNSAID if listed.stops else "")
    return (
        f"{server.name} ({server.id}, {server.instance_type}, {server.zone})",
        server.owner,
        server.state,
        f"{age} ago",
        use,
        format_usd(listed.usd_per_hour),
        format_monthly(listed.offer.usd_per_month_stopped),
        "; ".join(describe_end(listed)),
    )
