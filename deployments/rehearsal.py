"""One command that bakes a real image in the sandbox cloud, and leaves nothing running."""

import os
import subprocess
import sys
import threading
import time

from deployments.local import cloud_environment, sandbox
from flows.local_server import (
    PROJECT,
    environment,
    is_up,
    read_state,
    start_server,
    stop_server,
)
from notebake.errors import NotebakeError

RECIPE = "deployments/rehearsal.yaml"
ON_AWS = """\
The same on AWS, where it costs money (the plan says how much, and makes nothing):
     .venv/bin/notebake plan deployments/ocean.yaml
     .venv/bin/notebake build deployments/ocean.yaml
"""


def main() -> int:
    """Start what is needed, build, and end what was started; also when interrupted."""
    began = time.monotonic()
    sandbox_was_up = sandbox("status", quiet=True) == 0
    server_was_up = is_up()
    code, code_down = 1, 0
    try:
        code = rehearse(fresh=not sandbox_was_up)
    except KeyboardInterrupt:
        code = 130
    except NotebakeError as error:
        say(str(error))
    finally:
        if not server_was_up:
            stop_server()
        if not sandbox_was_up:
            code_down = sandbox("down", quiet=True)
    if code_down:
        say("Something of the sandbox still runs. Type: make down")
    elif not (sandbox_was_up or server_was_up):
        say("The sandbox and the server are down. Nothing keeps running.")
    say(f"The whole rehearsal took {time.monotonic() - began:.0f} s.")
    return code or code_down


def rehearse(*, fresh: bool) -> int:
    """Build the rehearsal's recipe in the sandbox; the server starts while the sandbox does."""
    say("Starting the sandbox cloud and a Prefect server …")
    failures: list[NotebakeError] = []
    server = threading.Thread(target=try_server, args=(failures,))
    server.start()
    code = start_sandbox() if fresh else 0
    server.join()
    if failures:
        raise failures[0]
    kept = read_state()
    if code or kept is None:
        return code or 1
    command = [sys.executable, "-m", "flows.command_line", "build", RECIPE]
    variables = environment(kept.url) | cloud_environment()
    code = subprocess.run(command, env=variables, cwd=PROJECT, check=False).returncode
    if code == 0:
        say(ON_AWS)
    return code


def try_server(failures: list[NotebakeError]) -> None:
    """Start the server; what goes wrong is for the other thread to raise."""
    try:
        start_server()
    except NotebakeError as error:
        failures.append(error)


def start_sandbox() -> int:
    """Start a sandbox that has forgotten earlier rehearsals; show how it goes, not what is next."""
    command = [sys.executable, "-m", "sandbox", "up", "--fresh"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as starting:
        for line in starting.stdout or ():
            if not line.startswith("Next:"):
                say(line.rstrip())
    return starting.returncode


def say(line: str) -> None:
    """Tell the person who watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.chdir(PROJECT)
    sys.exit(main())
