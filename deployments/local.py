"""The sandbox cloud, a Prefect server and a worker on this machine: up, or down again."""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

import httpx

from deployments.bakes_in_progress import check_may_interrupt
from deployments.heartbeats import install_automation
from deployments.worker import (
    create_deployments,
    end_worker,
    has_worker,
    is_up_to_date,
    replace_worker,
    starting_alone,
    variables_for,
)
from flows.local_prefect.server import read_state, start_server, stop_server
from flows.terminal.standard_streams import outlive_the_terminal
from notebake.errors import NotebakeError
from notebake.project import PROJECT


def cloud_environment() -> dict[str, str]:
    """Return the variables that `python -m sandbox env` prints."""
    command = [sys.executable, "-m", "sandbox", "env"]
    printed = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=PROJECT, env=own_environment()
    )
    pairs = (word.partition("=") for word in shlex.split(printed.stdout))
    return {name: value for name, sign, value in pairs if sign}


def sandbox(*arguments: str, quiet: bool = False) -> int:
    """Run one command of the sandbox and return its exit code."""
    output = subprocess.DEVNULL if quiet else None
    command = [sys.executable, "-m", "sandbox", *arguments]
    variables = own_environment()
    return subprocess.run(
        command, cwd=PROJECT, check=False, stdout=output, env=variables
    ).returncode


def own_environment() -> dict[str, str]:
    """Return a copy of this process's variables, for programs that threads start.

    Without a copy, the start fails with "Bad address" if another thread sets a variable meanwhile:
    the C library may move its own list.
    """
    return os.environ.copy()


def start_worker(cloud: Mapping[str, str], *, agreed: bool) -> str:
    """Create the deployments of prefect.yaml, start a worker, and return the UI's address.

    The worker finds AWS by the variables of `cloud`. A worker for the same cloud and server stays,
    with what it is doing.

    Raises:
        NotebakeError: Prefect failed, or a bake would have been interrupted.
    """
    starting = start_server(stays=True)
    with starting_alone():
        server = read_state() or starting
        variables = variables_for(server, cloud)
        create_deployments(variables)
        install_automation(server.url)
        if not is_up_to_date(server, variables):
            if has_worker(server):
                check_may_interrupt(server.url, "Starting the worker anew", agreed=agreed)
            replace_worker(server, variables)
    return server.url


def bring_down(*, agreed: bool) -> int:
    """End the worker, the server and the sandbox; return 0 if nothing of it is left."""
    if started := read_state():
        check_may_interrupt(started.url, "That", agreed=agreed)
        end_worker(started)
    stop_server()
    return sandbox("down")


def bring_up(*, agreed: bool) -> int:
    """Start all three, and print where the UI is; return 0 after success."""
    if code := sandbox("up"):
        return code
    url = start_worker(cloud_environment(), agreed=agreed)
    sys.stdout.write(f"Prefect is at {url} - run the deployment 'rehearsal' there.\n")
    return 0


def main() -> int:
    """Start or end all three; return 0 after success."""
    parser = argparse.ArgumentParser(prog="python -m deployments.local", description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument("--yes", action="store_true", help="interrupt bakes without asking")
    given = parser.parse_args()
    try:
        return (bring_down if given.command == "down" else bring_up)(agreed=given.yes)
    except (NotebakeError, httpx.HTTPError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    outlive_the_terminal()
    sys.exit(main())
