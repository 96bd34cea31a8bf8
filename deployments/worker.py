"""The worker of `make up`: started once for a cloud, and ended only by whoever agrees to that."""

import fcntl
import glob
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from deployments.heartbeats import HEARTBEAT_SETTINGS
from flows.local_prefect.prefect_program import PREFECT
from flows.local_prefect.server import (
    Server,
    end_process,
    save_state,
    server_environment,
    start_program,
)
from notebake.errors import NotebakeError
from notebake.local.home import home
from notebake.local.process import is_dead
from notebake.project import PROJECT

POOL = "notebake"
FLOW_RUN_SECONDS = 30
"""How long a flow run may take to end: it asks AWS what it leaves."""
RELEVANT = ("AWS_", "NOTEBAKE_", "PREFECT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@contextmanager
def starting_alone() -> Iterator[None]:
    """Let one process at a time start a worker: of two at once, one would be forgotten."""
    with (home() / "worker.starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def variables_for(server: Server, cloud: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the worker and its flow runs."""
    return server_environment(server.url) | HEARTBEAT_SETTINGS | dict(cloud)


def create_deployments(variables: Mapping[str, str]) -> None:
    """Create the work pool, and the deployments of prefect.yaml, anew."""
    for arguments in (
        ["work-pool", "create", POOL, "--type", "process", "--overwrite"],
        ["deploy", "--all"],
    ):
        command = [*PREFECT, "--no-prompt", *arguments]
        done = subprocess.run(
            command, env=dict(variables), cwd=PROJECT, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            output = f"{done.stdout}{done.stderr}".strip()
            raise NotebakeError(f"`prefect {' '.join(arguments)}` failed: {output}")


def has_worker(server: Server) -> bool:
    """Return whether the server's worker is alive."""
    return server.worker is not None and not is_dead(server.worker)


def is_up_to_date(server: Server, variables: Mapping[str, str]) -> bool:
    """Return whether the worker is alive and has this environment: this cloud, this server."""
    return has_worker(server) and server.worker_environment == digest_of_environment(variables)


def end_worker(server: Server) -> None:
    """End the worker, after its flow runs have shown in Prefect what they leave.

    A worker that is told to end kills its flow runs at once (prefect 3.8.8), and then Prefect shows
    them as Running. So they are told first, and their worker then reports them.
    """
    if server.worker is None or is_dead(server.worker):
        return
    flow_runs = list_children(server.worker.pid)
    for pid in flow_runs:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + FLOW_RUN_SECONDS
    while list_children(server.worker.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    end_process(server.worker)


def list_children(pid: int) -> list[int]:
    """Return the processes that a process has started and that have not ended."""
    found: list[int] = []
    # Path.glob of Python 3.11 fails if a thread ends meanwhile.
    for path in glob.iglob(f"/proc/{pid}/task/*/children"):  # noqa: PTH207
        with suppress(OSError):
            found += map(int, Path(path).read_text().split())
    return found


def replace_worker(server: Server, variables: Mapping[str, str]) -> None:
    """End the worker, if there is one, and start one with this environment."""
    end_worker(server)
    worker = start_program("worker", [*PREFECT, "worker", "start", "--pool", POOL], dict(variables))
    save_state(
        server.model_copy(
            update={"worker": worker, "worker_environment": digest_of_environment(variables)}
        )
    )


def digest_of_environment(variables: Mapping[str, str]) -> str:
    """Return a digest, as there may be secrets, of the variables that flow runs depend on."""
    relevant = sorted(pair for pair in variables.items() if pair[0].startswith(RELEVANT))
    return hashlib.sha256(json.dumps(relevant).encode()).hexdigest()
