"""Starts, changes and stops servers. Each may be repeated, from any computer."""

import datetime
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from notebake import clock
from notebake.aws import instances, server_calls, tags
from notebake.errors import CloudError, ResourceLostError
from notebake.servers.ends import describe_ends, hard_end_of_start, tags_of_changes
from notebake.servers.find import describe_server, list_command
from notebake.servers.may_run import saying_what_runs
from notebake.servers.no_room import with_advice
from notebake.servers.outside_ends import ensure_outside_ends, remove_outside_ends
from notebake.servers.run_time import tags_of_runs
from notebake.servers.server import Server
from notebake.timeouts import STATE_SECONDS
from notebake.timestamps import utc_from_seconds
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
IF_LOST = "It was terminated elsewhere. To have another one, start one of that name from its image."


def start_server(server: Server) -> Server:
    """Start a server that is stopped, and return it as soon as it has an address.

    One that is being stopped is awaited first. Where it has no daily end, its last end is a day
    from now; no hold or hard end of its last run is left. Its ends outside of it, if it has a
    role for them, stand before it is started.

    Raises:
        ResourceLostError: it was terminated meanwhile.
        CapacityError: its zone has no room at present.
        CloudError: AWS refused its ends outside of it, the quota leaves no room, or EC2 refused
            for another reason.
    """
    if server.state == "stopping":
        log.info("%s is being stopped; it is started as soon as it has stopped", server.name)
        with _advising_if_lost(server):
            instances.wait_for_state(server.id, server.region, "stopped")
        server = describe_server(server.id, server.region) or server
    if server.state in ("stopping", "stopped"):
        now = utc_from_seconds(clock.now())
        marks = tags_of_runs(server, now) | tags_of_restart(server, now)
        server_calls.tag_server(server.id, marks, server.region)
        server = server.with_tags(marks)
        ensure_outside_ends(server.model_copy(update={"started_at": now}))
        try:
            with _advising_if_lost(server):
                server_calls.start_server(server.id, server.region)
        except CloudError as error:
            raise with_advice(error, server) from error
    else:
        _ensure_ends_of_started(server)
    with saying_what_runs(server, server.id):
        return wait_until_running(server)


def tags_of_restart(server: Server, now: datetime.datetime) -> dict[str, str]:
    """Return the tags that say when a stopped server stops which starts now."""
    ends = {tags.HARD_END: hard_end_of_start(now, server.daily_end), tags.KEEP_UNTIL: ""}
    return {key: value for key, value in ends.items() if server.tags.get(key, "") != value}


def _ensure_ends_of_started(server: Server) -> None:
    """Let the ends of a server stand outside of it that is started; an error says that it is."""
    try:
        ensure_outside_ends(server)
    except CloudError as error:
        ends = describe_ends(server.tags, server.started_at)
        runs = f"{server.name} is started, and stops by itself {ends}."
        error.hint = "\n".join(filter(None, (error.hint, runs)))
        raise


def change_server(server: Server, marks: dict[str, str]) -> Server:
    """Return the server with these tags: settings that a person changes while it is there.

    Raises:
        CloudError: AWS refused.
    """
    changed = {key: value for key, value in marks.items() if server.tags.get(key, "") != value}
    if not changed:
        return server
    now = utc_from_seconds(clock.now())
    changed = tags_of_changes(changed, now, server.tags)
    if tags.DAILY_END in changed:
        changed[tags.DAILY_END_SET] = tags.as_tag(now)
    if changed.get(tags.SCHEDULER_ROLE) == "":
        remove_outside_ends(server)
    log.info("Changing %s of %s", ", ".join(changed), server.name)
    server_calls.tag_server(server.id, changed, server.region)
    return server.with_tags(changed)


def wait_until_running(server: Server) -> Server:
    """Return the server as soon as it runs and has an address; raises as `start_server` does."""

    def running() -> Server | None:
        shown = describe_server(server.id, server.region)
        if shown is None or shown.is_gone:
            raise ResourceLostError(
                f"{server.id}, the server {server.name}, is gone."
                f" {shown.state_reason if shown else ''}".strip()
            )
        return shown if shown.state == "running" and shown.address else None

    with _advising_if_lost(server):
        return wait_until(
            running,
            what=f"{server.name} ({server.id}) to run",
            timeout_seconds=STATE_SECONDS,
            interval_seconds=0.5,
        )


def stop_server(server: Server) -> None:
    """Stop a server, and wait until it is stopped; one that is stopped already is left alone.

    Raises:
        ResourceLostError: it was terminated meanwhile.
        WaitTimeoutError: one that was just launched did not run in its time, or it did not stop.
        CloudError: EC2 refused.
    """
    if server.state == "pending":
        server = wait_until_running(server)
    with _advising_if_lost(server):
        if server.state == "running":
            log.info("Stopping %s (%s)", server.name, server.id)
            server_calls.stop_server(server.id, server.region)
        instances.wait_for_state(server.id, server.region, "stopped")


@contextmanager
def _advising_if_lost(server: Server) -> Iterator[None]:
    """Say of a server that was terminated elsewhere how to have another one: no run replaces it."""
    try:
        yield
    except ResourceLostError as error:
        error.hint = IF_LOST
        error.with_next(list_command(server.region))
        raise
