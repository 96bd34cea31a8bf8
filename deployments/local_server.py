"""A Prefect server and worker of our own on this machine, apart from any that the user has.

`up` starts them beside the sandbox cloud, `down` ends all three. Everything that they keep lies in
~/.notebake/prefect.
"""

import argparse
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

HOME = Path(os.environ.get("NOTEBAKE_HOME", Path.home() / ".notebake"))
STATE = HOME / "server.json"
PROJECT = Path(__file__).parent.parent
PYTHON = sys.executable
USUAL_PORT = 4200
POOL = "notebake"
START_SECONDS = 180


def environment(url: str) -> dict[str, str]:
    """Return the environment in which Prefect's programs find this server and nothing else."""
    settings = {
        "DO_NOT_TRACK": "1",
        "NOTEBAKE_PROJECT": str(PROJECT),
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_HOME": str(HOME / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
    }
    return {**os.environ, **settings}


def cloud_environment() -> dict[str, str]:
    """Return what `python -m sandbox env` says, as a mapping."""
    printed = subprocess.run(
        [PYTHON, "-m", "sandbox", "env"], capture_output=True, text=True, check=True, cwd=PROJECT
    ).stdout
    pairs = (word.partition("=") for word in shlex.split(printed))
    return {name: value for name, sign, value in pairs if sign}


def free_port() -> int:
    """Return Prefect's usual port, or another one where that is taken."""
    for port in (USUAL_PORT, 0):
        with socket.socket() as probe:
            # Without this a port whose last server has just ended counts as taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def start(name: str, command: list[str], variables: dict[str, str]) -> int:
    """Start a program in a session of its own, its output in a log file; return its process id."""
    HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (HOME / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            command,
            env=variables,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ).pid


def start_server() -> str:
    """Start the server unless ours runs already, wait until it answers, and return its address."""
    kept = read_state()
    if kept and answers(str(kept["url"])):
        return str(kept["url"])
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [PYTHON, "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
    pid = start("server", [*command, "--port", str(port)], environment(url))
    write_state({"url": url, "server": identify(pid)})
    wait_for_server(url, pid)
    return url


def wait_for_server(url: str, pid: int) -> None:
    """Wait until the server answers; SystemExit with its log where it ended instead."""
    deadline = time.monotonic() + START_SECONDS
    while not answers(url):
        if time.monotonic() > deadline or not Path(f"/proc/{pid}").exists() or is_zombie(pid):
            tail = "\n".join((HOME / "server.log").read_text(errors="replace").splitlines()[-15:])
            raise SystemExit(f"The Prefect server did not start. Its log ends with:\n{tail}")
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Tell whether a server answers at an address."""
    try:
        return httpx.get(f"{url}/api/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def start_worker(url: str) -> None:
    """Deploy what prefect.yaml names, and start a worker for it."""
    variables = environment(url) | cloud_environment()
    prefect = [PYTHON, "-m", "prefect", "--no-prompt"]
    pool = [*prefect, "work-pool", "create", POOL, "--type", "process", "--overwrite"]
    for command in (pool, [*prefect, "deploy", "--all"]):
        done = subprocess.run(
            command, env=variables, cwd=PROJECT, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command[2:])} failed:\n{done.stdout}{done.stderr}")
    pid = start("worker", [*prefect, "worker", "start", "--pool", POOL], variables)
    write_state({**(read_state() or {}), "worker": identify(pid)})


def stop() -> None:
    """End the worker and the server that `start` started, and nothing else."""
    kept = read_state() or {}
    for name in ("worker", "server"):
        if isinstance(process := kept.get(name), dict):
            end(process)
    STATE.unlink(missing_ok=True)


def end(process: dict[str, int | str]) -> None:
    """End a process and what it started; do nothing where its number belongs to another one."""
    pid = int(process["pid"])
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        if identify(pid) != process:
            return
        os.killpg(pid, wanted)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and identify(pid) == process and not is_zombie(pid):
            time.sleep(0.1)


def identify(pid: int) -> dict[str, int | str]:
    """Return a process as its number and the tick it started at: numbers come back."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return {"pid": pid, "started": "gone"}
    return {"pid": pid, "started": fields[19]}


def is_zombie(pid: int) -> bool:
    """Tell whether a process has ended and only waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def read_state() -> dict[str, object] | None:
    """Return what was written of a started server."""
    try:
        kept: dict[str, object] = json.loads(STATE.read_text())
    except (OSError, ValueError):
        return None
    return kept


def write_state(state: dict[str, object]) -> None:
    """Keep what was started, by rename."""
    STATE.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = STATE.with_suffix(".new")
    new.write_text(json.dumps(state))
    new.replace(STATE)


def main() -> int:
    """Start or end the sandbox, the server and the worker."""
    parser = argparse.ArgumentParser(prog="python -m deployments.local_server")
    parser.add_argument("command", choices=("up", "down"))
    given = parser.parse_args()
    if given.command == "down":
        stop()
        return subprocess.run(
            [PYTHON, "-m", "sandbox", "down"], check=False, cwd=PROJECT
        ).returncode
    started = subprocess.run([PYTHON, "-m", "sandbox", "up"], check=False, cwd=PROJECT)
    if started.returncode != 0:
        return started.returncode
    url = start_server()
    start_worker(url)
    sys.stdout.write(f"Prefect is at {url} - run the deployment 'rehearsal' there.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
