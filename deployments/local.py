"""The sandbox cloud, a Prefect server and workers on this machine: up, or down again."""

import argparse
import sys
from collections.abc import Mapping

import httpx

from deployments.automations import pause
from deployments.bakes_in_progress import check_may_interrupt
from deployments.heartbeats import install_automation
from deployments.postgresql import cluster_url, start_cluster, stop_cluster
from deployments.postgresql_tables import has_tables, make_tables
from deployments.sandbox_program import cloud_environment, sandbox
from deployments.worker import (
    create_deployments,
    end_workers,
    replace_workers,
    starting_alone,
    surplus_workers,
    variables_for,
)
from flows.local_prefect.after_crash import AUTOMATION
from flows.local_prefect.server import Server, is_running, read_state, start_server, stop_server
from flows.terminal.standard_streams import outlive_the_terminal
from notebake.errors import NotebakeError
from notebake.humanize import pluralize


def start_workers(
    cloud: Mapping[str, str], *, agreed: bool, count: int = 1, database_url: str = ""
) -> str:
    """Create the deployments of prefect.yaml, start workers, and return the UI's address.

    The workers find AWS by the variables of `cloud`. Workers for the same cloud and server stay,
    with what they are doing. With a database of PostgreSQL, flow runs whose worker was killed go on
    by themselves.

    Raises:
        NotebakeError: Prefect failed, or a bake would have been interrupted.
    """
    end_other_server(database_url, agreed=agreed)
    starting = start_server(stays=True, database_url=database_url)
    with starting_alone():
        server = read_state() or starting
        variables = variables_for(server, cloud)
        create_deployments(variables)
        install_automation(server.url, goes_on=bool(database_url))
        if surplus := surplus_workers(server, variables, count):
            what = "the worker" if len(surplus) == 1 else f"{len(surplus)} workers"
            check_may_interrupt(server.url, f"Starting {what} anew", agreed=agreed)
        replace_workers(server, variables, count)
    return server.url


def end_other_server(database_url: str, *, agreed: bool) -> None:
    """End a server that has another database, with its workers.

    Raises:
        NotebakeError: a bake would have been interrupted.
    """
    running = read_state()
    if running is None or running.database_url == database_url:
        return
    kind = "PostgreSQL" if database_url else "SQLite"
    check_may_interrupt(running.url, f"Starting Prefect anew, on {kind},", agreed=agreed)
    end_prefect(running)


def end_prefect(server: Server) -> None:
    """End the workers, the server, and PostgreSQL, if the server has it.

    What is interrupted then does not go on by itself at the next start.
    """
    if is_running():
        try:
            pause(server.url, AUTOMATION)
        except httpx.HTTPError as error:
            print_line(f"Prefect does not answer ({error}): bakes may go on at its next start.")
    end_workers(server.workers)
    stop_server()
    stop_cluster()


def bring_down(*, agreed: bool) -> int:
    """End the workers, the server and the sandbox; return 0 if nothing of it is left."""
    if started := read_state():
        check_may_interrupt(started.url, "That", agreed=agreed)
        end_prefect(started)
    stop_cluster()
    return sandbox("down")


def bring_up(*, agreed: bool) -> int:
    """Start the sandbox, a server and a worker, and print the address; return 0 after success."""
    if code := sandbox("up"):
        return code
    url = start_workers(cloud_environment(), agreed=agreed)
    print_line(f"Prefect is at {url} - run the deployment 'rehearsal' there.")
    return 0


def bring_up_shared(workers: int, *, agreed: bool) -> int:
    """Start the sandbox, PostgreSQL, a server on it and workers; return 0 after success."""
    if code := sandbox("up"):
        return code
    url = start_shared(cloud_environment(), workers, agreed=agreed)
    print_line(f"Prefect is at {url} - run the deployment 'rehearsal' there.")
    return 0


def start_shared(cloud: Mapping[str, str], workers: int, *, agreed: bool) -> str:
    """Start PostgreSQL, a server on it and workers for a cloud; return the UI's address.

    Raises:
        NotebakeError: PostgreSQL or Prefect failed, or a bake would have been interrupted.
    """
    database = cluster_url()
    end_other_server(database, agreed=agreed)
    print_line(f"Starting PostgreSQL, Prefect and {pluralize(workers, 'worker')} …")
    start_cluster()
    if not has_tables():
        print_line("Making Prefect's tables (once; some ten seconds) …")
        make_tables()
    return start_workers(cloud, agreed=agreed, count=workers, database_url=database)


def print_line(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Start or end all of it; return 0 after success."""
    parser = argparse.ArgumentParser(prog="python -m deployments.local", description=__doc__)
    parser.add_argument("command", choices=("up", "up-shared", "down"))
    parser.add_argument("--yes", action="store_true", help="interrupt bakes without asking")
    parser.add_argument("--workers", type=int, default=2, help="how many, for up-shared")
    given = parser.parse_args()
    try:
        match given.command:
            case "down":
                return bring_down(agreed=given.yes)
            case "up":
                return bring_up(agreed=given.yes)
        return bring_up_shared(given.workers, agreed=given.yes)
    except (NotebakeError, httpx.HTTPError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    outlive_the_terminal()
    sys.exit(main())
