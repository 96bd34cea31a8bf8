"""One command that bakes a real image in the sandbox cloud, and leaves nothing running."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from deployments import local_server
from deployments.local_server import PROJECT, PYTHON

RECIPE = PROJECT / "deployments" / "rehearsal.yaml"
ON_AWS = """
The same on AWS, where it costs money (the plan says how much, and makes nothing):
     notebake plan deployments/ocean.yaml
     notebake build deployments/ocean.yaml
"""


def main() -> int:
    """Start what is needed, build, and end what was started; also when interrupted."""
    began = time.monotonic()
    was_up = sandbox("status", quiet=True) == 0
    try:
        code = rehearse(fresh=not was_up)
    finally:
        if not was_up:
            local_server.stop()
            code_down = sandbox("down", quiet=True)
    if not was_up:
        ended = "Nothing keeps running." if code_down == 0 else "Something still runs: make down"
        say(f"The sandbox and the server are down. {ended}")
    say(f"The whole rehearsal took {time.monotonic() - began:.0f} s.")
    return code or (0 if was_up else code_down)


def rehearse(*, fresh: bool) -> int:
    """Build the rehearsal's recipe in the sandbox, with a server that starts meanwhile."""
    answer: list[str | BaseException] = []
    server = threading.Thread(target=lambda: answer.append(try_server()), daemon=True)
    server.start()
    say("Starting the sandbox cloud and a Prefect server …")
    if fresh and (code := start_sandbox()):
        return code
    server.join()
    if isinstance(answer[0], BaseException):
        raise answer[0]
    variables = local_server.environment(answer[0]) | local_server.cloud_environment()
    command = [PYTHON, "-m", "flows.command_line", "build", str(RECIPE.relative_to(PROJECT))]
    code = subprocess.run(command, env=variables, cwd=PROJECT, check=False).returncode
    if code == 0:
        say(ON_AWS)
    return code


def try_server() -> str | BaseException:
    """Start the server; return its address, or what went wrong, for another thread to raise."""
    try:
        return local_server.start_server()
    except (SystemExit, OSError) as error:
        return error


def start_sandbox() -> int:
    """Start a sandbox that has forgotten earlier rehearsals; show how it goes, not what is next."""
    command = [PYTHON, "-m", "sandbox", "up", "--fresh"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as starting:
        for line in starting.stdout or ():
            if not line.startswith("Next:"):
                say(line.rstrip())
    return starting.returncode


def sandbox(*arguments: str, quiet: bool = False) -> int:
    """Run one command of the sandbox and return its exit code."""
    output = subprocess.DEVNULL if quiet else None
    command = [PYTHON, "-m", "sandbox", *arguments]
    return subprocess.run(command, cwd=PROJECT, check=False, stdout=output).returncode


def say(line: str) -> None:
    """Tell the person who watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.chdir(Path(PROJECT))
    sys.exit(main())
