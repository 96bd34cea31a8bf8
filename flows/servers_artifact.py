"""The artifact `servers`: one row for each server, made anew by each flow that touches one."""

import re
from collections.abc import Iterator, Sequence

from prefect.artifacts import create_markdown_artifact

from flows.findings_markdown import escape
from flows.terminal.server_costs import describe_addresses, describe_volumes
from flows.terminal.server_power import format_usd
from flows.terminal.servers_table import describe_end
from notebake import clock
from notebake.costs.estimate import format_monthly, format_sum
from notebake.humanize import format_span, format_utc, pluralize
from notebake.servers.ends import last_end
from notebake.servers.listed_server import Listed, ListedServer, list_all
from notebake.timestamps import utc_from_seconds

KEY = "servers"
COLUMNS = ("server", "owner", "state", "use", "an hour", "ends")
UNUSED = re.compile(r"Not used since (\d\d:\d\d UTC)")
UNSAID = "Its console does not say whether it is used"


def show_servers(regions: Sequence[str]) -> Listed:
    """Make the list of the servers of these regions the artifact, and return it.

    Raises:
        CloudError: a region refused, or gave no answer.
    """
    listed = list_all(regions)
    text = "\n".join((*servers_lines(listed.servers, regions), *_others(listed)))
    create_markdown_artifact(text, key=KEY, description=sum_up(listed.servers, regions))
    return listed


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
    yield ""
    yield from (f"- {escape(_details(listed))}" for listed in servers)
    yield "\nTo open one, type on your own computer: `notebake open NAME`."


def _others(listed: Listed) -> Iterator[str]:
    """Yield what is paid for besides servers: volumes and elastic addresses that none uses."""
    for line in (*describe_volumes(listed), *describe_addresses(listed)):
        yield f"\n{escape(line.strip())}" if line.strip() else ""


def _cells(listed: ListedServer) -> tuple[str, ...]:
    """Return a row of short words: Prefect's tables wrap no cell."""
    server = listed.server
    age = format_span(clock.now() - server.started_at.timestamp())
    return (
        server.name,
        server.owner,
        f"{server.state}, {age}" if listed.stops else server.state,
        _use(listed),
        format_usd(listed.usd_per_hour),
        _ends(listed) if listed.stops else "",
    )


def _use(listed: ListedServer) -> str:
    if not listed.stops:
        return ""
    unused = UNUSED.match(listed.use)
    return f"idle since {unused[1]}" if unused else listed.use.lower() or "not known"


def _ends(listed: ListedServer) -> str:
    """Return when a server stops by itself: the earliest of these."""
    server, now = listed.server, utc_from_seconds(clock.now())
    ends = [f"idle {server.idle_minutes} min"] if server.idle_minutes else []
    if server.daily_end:
        ends.append(server.daily_end)
    elif last := last_end(server.tags, server.started_at):
        ends.append(format_utc(last))
    if server.keep_until and server.keep_until > now:
        ends.append(f"kept until {format_utc(server.keep_until)}")
    return "; ".join(ends) or "never"


def _details(listed: ListedServer) -> str:
    """Return all that is known of a server, in sentences."""
    server = listed.server
    machine = f"{server.id}, {server.instance_type} in {server.zone}, from {server.image_id}"
    stopped = format_monthly(listed.offer.usd_per_month_stopped)
    end = "; ".join(describe_end(listed))
    sentences = (
        f"{server.name} of {server.owner}: {machine}, {server.state}, {stopped} a month stopped.",
        f"Stops {end}." if end else "",
        f"{listed.use or UNSAID}." if listed.stops else "",
    )
    return " ".join(filter(None, sentences))
