"""One command that bakes a real image in the sandbox cloud, and leaves nothing running."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from deployments.sandbox_program import cloud_environment, own_environment, sandbox
from flows.cli import main as command_line
from flows.local_prefect.prefect_environment import speed_up_imports
from flows.local_prefect.server import is_running
from flows.local_prefect.session import prefect_server
from flows.terminal.standard_streams import outlive_the_terminal
from notebake.errors import NotebakeError
from notebake.project import PROJECT

RECIPE = "deployments/rehearsal.yaml"
ON_AWS = """\
The same on AWS, for money (the plan shows how much, and makes nothing):
     .venv/bin/notebake plan deployments/ocean.yaml
     .venv/bin/notebake build deployments/ocean.yaml
"""


@dataclass(frozen=True)
class Cloud:
    """The state of the sandbox after its start."""

    is_ours: bool
    """Whether this program started it, and so must end it."""
    code: int
    """0 if it is up."""


def main() -> int:
    """Start the sandbox and a server, build, and end what was started, also after an interrupt."""
    began = time.monotonic()
    print_line("Starting the sandbox cloud and a Prefect server …")
    server_was_up, code = is_running(), 1
    # One thread, so that the start and the end of the cloud never overlap.
    with ThreadPoolExecutor(1) as worker:
        starting, ending = worker.submit(start_cloud), None
        variables = worker.submit(cloud_environment)
        try:
            with prefect_server() as wait_for_prefect:
                try:
                    wait_for_prefect()
                    code = starting.result().code or build_in(variables.result())
                finally:
                    ending = worker.submit(end_cloud, starting)
        except KeyboardInterrupt:
            code = 130
        except NotebakeError as error:
            print_line(str(error))
        code_down = (ending or worker.submit(end_cloud, starting)).result()
    if code_down:
        print_line("Something of the sandbox still runs. Type: make down")
    elif starting.result().is_ours and not server_was_up:
        print_line("The sandbox and the server are down. Nothing keeps running.")
    print_line(f"The whole rehearsal took {time.monotonic() - began:.0f} s.")
    return code or code_down


def build_in(variables: Mapping[str, str]) -> int:
    """Build the rehearsal's recipe in this cloud; print how to do the same on AWS."""
    os.environ.update(variables)
    code = command_line.main(["build", RECIPE])
    if code == 0:
        print_line(ON_AWS)
    return code


def start_cloud() -> Cloud:
    """Start the sandbox without the state of earlier rehearsals, unless it is up."""
    status = sandbox("status", quiet=True)
    if status == 1:
        return Cloud(is_ours=True, code=start_sandbox())
    # Any other code but 0 means an interrupt: whether the sandbox is ours is unknown.
    return Cloud(is_ours=False, code=status)


def start_sandbox() -> int:
    """Start an empty sandbox; show its output without its suggestions for the next command."""
    command = [sys.executable, "-m", "sandbox", "up", "--fresh"]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, env=own_environment()
    ) as starting:
        for line in starting.stdout or ():
            if not line.startswith("Next:"):
                print_line(line.rstrip())
    return starting.returncode


def end_cloud(starting: Future[Cloud]) -> int:
    """End the sandbox if it is ours; return 0 if nothing of it is left."""
    return sandbox("down", quiet=True) if starting.result().is_ours else 0


def print_line(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    outlive_the_terminal()
    speed_up_imports()
    os.chdir(PROJECT)
    command_line.end_at_once(main())
