"""Keeps a server from stopping by itself for a while. May be repeated, from any computer."""

import datetime

from notebake import clock
from notebake.aws import server_calls, tags
from notebake.errors import NotebakeError
from notebake.servers.ends import usual_end
from notebake.servers.find import list_command
from notebake.servers.next_command import command_on
from notebake.servers.outside_ends import ensure_outside_ends
from notebake.servers.server import Server
from notebake.timestamps import utc_from_seconds

MOST_HOURS = 168
"""A week: so long can a server be kept at a time. A slip of the hand must not cost a year."""


def keep_server(server: Server, minutes: int) -> datetime.datetime:
    """Keep a server from stopping by itself in the next minutes; return until when.

    Raises:
        NotebakeError: it does not run, so there is nothing to keep; or it is for too long.
    """
    if server.state not in ("pending", "running"):
        again = command_on(server, "open", purpose="To start it")
        raise NotebakeError(
            f"The server {server.name} is {server.state}: only one that runs can be kept."
        ).with_next(again, list_command(server.region))
    if minutes > MOST_HOURS * 60:
        raise NotebakeError(
            f"{server.name} cannot be kept for {minutes // 60} h: at a time for {MOST_HOURS} h,"
            " so that no slip of the hand costs more.",
            "Later it can be kept again.",
        ).with_next(command_on(server, "keep", "--for", f"{MOST_HOURS}h", purpose="So long"))
    now = utc_from_seconds(clock.now()).replace(microsecond=0)
    until = now + datetime.timedelta(minutes=minutes)
    marks = {tags.KEEP_UNTIL: tags.as_tag(until)}
    usual = usual_end(server.started_at, server.daily_end)
    last = server.hard_end_now or usual
    # The machine must not stop before the hold ends; a longer hold of before counts no more.
    if until > last or last == server.keep_until:
        marks[tags.HARD_END] = tags.as_tag(max(until, usual))
    ensure_outside_ends(server.with_tags(marks))
    server_calls.tag_server(server.id, marks, server.region)
    return until
