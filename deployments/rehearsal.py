"""One command that bakes a real image in the sandbox cloud, and leaves nothing running."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from deployments.local import cloud_environment, own_environment, sandbox
from flows.cli import main as command_line
from flows.local_prefect.quick_imports import speed_up_imports
from flows.local_prefect.server import is_up
from flows.local_prefect.session import prefect_server
from flows.terminal.standard_streams import outlive_the_terminal
from notebake.errors import NotebakeError
from notebake.project import PROJECT

RECIPE = "deployments/rehearsal.yaml"
ON_AWS = """\
The same on AWS, where it costs money (the plan says how much, and makes nothing):
     .venv/bin/notebake plan deployments/ocean.yaml
     .venv/bin/notebake build deployments/ocean.yaml
"""


@dataclass(frozen=True)
class Cloud:
    """The sandbox as it was found, or started."""

    is_ours: bool
    """Whether it was not up before, and so is ours to end."""
    code: int
    """0 when it is up."""


def main() -> int:
    """Start what is needed, build, and end what was started; also when interrupted."""
    began = time.monotonic()
    say("Starting the sandbox cloud and a Prefect server …")
    server_was_up, code = is_up(), 1
    # One after the other in a thread beside this one: the cloud's start, and its end.
    with ThreadPoolExecutor(1) as beside:
        starting, ending = beside.submit(start_cloud), None
        variables = beside.submit(cloud_environment)
        try:
            with prefect_server() as wait_for_prefect:
                try:
                    wait_for_prefect()
                    code = starting.result().code or build_in(variables.result())
                finally:
                    ending = beside.submit(end_cloud, starting)
        except KeyboardInterrupt:
            code = 130
        except NotebakeError as error:
            say(str(error))
        code_down = (ending or beside.submit(end_cloud, starting)).result()
    if code_down:
        say("Something of the sandbox still runs. Type: make down")
    elif starting.result().is_ours and not server_was_up:
        say("The sandbox and the server are down. Nothing keeps running.")
    say(f"The whole rehearsal took {time.monotonic() - began:.0f} s.")
    return code or code_down


def build_in(variables: Mapping[str, str]) -> int:
    """Build the rehearsal's recipe in the cloud of this environment; say how it is done on AWS."""
    os.environ.update(variables)
    code = command_line.main(["build", RECIPE])
    if code == 0:
        say(ON_AWS)
    return code


def start_cloud() -> Cloud:
    """Return the sandbox, started unless it is up, and having forgotten earlier rehearsals."""
    status = sandbox("status", quiet=True)
    if status == 1:
        return Cloud(is_ours=True, code=start_sandbox())
    # Anything but 0 is an interrupt: whose the sandbox is was not told.
    return Cloud(is_ours=False, code=status)


def start_sandbox() -> int:
    """Start a sandbox that knows of nothing; show how it goes, but not what could be next."""
    command = [sys.executable, "-m", "sandbox", "up", "--fresh"]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, env=own_environment()
    ) as starting:
        for line in starting.stdout or ():
            if not line.startswith("Next:"):
                say(line.rstrip())
    return starting.returncode


def end_cloud(starting: Future[Cloud]) -> int:
    """End the sandbox if it is ours; 0 when nothing of it is left."""
    return sandbox("down", quiet=True) if starting.result().is_ours else 0


def say(line: str) -> None:
    """Tell the person who watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    outlive_the_terminal()
    speed_up_imports()
    os.chdir(PROJECT)
    command_line.end_at_once(main())
