"""The sandbox cloud, a Prefect server and a worker on this machine: up, or down again."""

import argparse
import os
import shlex
import subprocess
import sys

from flows.local_prefect.prefect_program import PREFECT
from flows.local_prefect.server import (
    end_process,
    save_state,
    server_environment,
    start_program,
    start_server,
    stop_server,
)
from flows.terminal.standard_streams import outlive_the_terminal
from notebake.errors import NotebakeError
from notebake.local.process import is_dead
from notebake.project import PROJECT

POOL = "notebake"


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


def start_worker() -> str:
    """Create the deployments of prefect.yaml, start a worker, and return the UI's address."""
    server = start_server(stays=True)
    variables = server_environment(server.url) | cloud_environment()
    for arguments in (
        ["work-pool", "create", POOL, "--type", "process", "--overwrite"],
        ["deploy", "--all"],
    ):
        command = [*PREFECT, "--no-prompt", *arguments]
        done = subprocess.run(
            command, env=variables, cwd=PROJECT, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            output = f"{done.stdout}{done.stderr}".strip()
            raise NotebakeError(f"`prefect {' '.join(arguments)}` failed: {output}")
    if server.worker and not is_dead(server.worker):
        end_process(server.worker)  # it may be configured for another cloud
    worker = start_program("worker", [*PREFECT, "worker", "start", "--pool", POOL], variables)
    save_state(server.model_copy(update={"worker": worker}))
    return server.url


def main() -> int:
    """Start or end all three; return 0 after success."""
    parser = argparse.ArgumentParser(prog="python -m deployments.local", description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    if parser.parse_args().command == "down":
        stop_server()
        return sandbox("down")
    if code := sandbox("up"):
        return code
    try:
        url = start_worker()
    except NotebakeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Prefect is at {url} - run the deployment 'rehearsal' there.\n")
    return 0


if __name__ == "__main__":
    outlive_the_terminal()
    sys.exit(main())
