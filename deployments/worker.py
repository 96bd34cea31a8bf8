"""The workers of `make up`: started once for a cloud, and ended only by whoever agrees to that.

python -m deployments.worker end-flow-runs PID    # before the worker PID is ended, as by systemd
"""

import fcntl
import glob
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from deployments.heartbeats import HEARTBEAT_SETTINGS
from flows.local_prefect.after_crash import POOL
from flows.local_prefect.prefect_program import PREFECT
from flows.local_prefect.server import (
    Server,
    Worker,
    end_process,
    save_state,
    server_environment,
    start_program,
)
from notebake.errors import NotebakeError
from notebake.local.home import home
from notebake.local.process import is_dead
from notebake.project import PROJECT

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


def surplus_workers(server: Server, variables: Mapping[str, str], count: int) -> tuple[Worker, ...]:
    """Return the living workers that have another environment, or are more than wanted."""
    digest = digest_of_environment(variables)
    staying = [worker for worker in server.living_workers if worker.environment == digest]
    return tuple(worker for worker in server.living_workers if worker not in staying[:count])


def end_workers(workers: Iterable[Worker]) -> None:
    """End workers, after their flow runs have shown in Prefect what they leave.

    A worker that is told to end kills its flow runs at once (prefect 3.8.8), and then Prefect shows
    them as Running. So they are told first, and their worker then reports them.
    """
    living = [worker.process for worker in workers if not is_dead(worker.process)]
    end_flow_runs([process.pid for process in living])
    for process in living:
        end_process(process)


def end_flow_runs(workers: Iterable[int]) -> None:
    """Tell the flow runs of workers to end, and wait for that."""
    pids = list(workers)
    for child in [child for pid in pids for child in list_children(pid)]:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + FLOW_RUN_SECONDS
    while any(map(list_children, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)


def list_children(pid: int) -> list[int]:
    """Return the processes that a process has started and that have not ended."""
    found: list[int] = []
    # Path.glob of Python 3.11 fails if a thread ends meanwhile.
    for path in glob.iglob(f"/proc/{pid}/task/*/children"):  # noqa: PTH207
        with suppress(OSError):
            found += map(int, Path(path).read_text().split())
    return found


def replace_workers(server: Server, variables: Mapping[str, str], count: int) -> None:
    """End the surplus workers, and start those that are missing, with this environment."""
    surplus = surplus_workers(server, variables, count)
    end_workers(surplus)
    workers = [worker for worker in server.living_workers if worker not in surplus]
    for number in range(1, count + 1):
        if len(workers) < count and number not in [worker.number for worker in workers]:
            workers.append(start_worker(number, variables))
            # Recorded at once: a worker that nobody knew would never end.
            save_state(server.model_copy(update={"workers": tuple(workers)}))
    save_state(server.model_copy(update={"workers": tuple(workers)}))


def start_worker(number: int, variables: Mapping[str, str]) -> Worker:
    """Start a worker; its name in Prefect has its number, as that of its log has from 2 on."""
    name = f"{socket.gethostname()} {number}"
    command = [*PREFECT, "worker", "start", "--pool", POOL, "--name", name]
    log = "worker" if number == 1 else f"worker-{number}"
    process = start_program(log, command, dict(variables))
    digest = digest_of_environment(variables)
    return Worker(number=number, process=process, environment=digest)


def digest_of_environment(variables: Mapping[str, str]) -> str:
    """Return a digest, as there may be secrets, of the variables that flow runs depend on."""
    relevant = sorted(pair for pair in variables.items() if pair[0].startswith(RELEVANT))
    return hashlib.sha256(json.dumps(relevant).encode()).hexdigest()


if __name__ == "__main__":
    if sys.argv[1:2] != ["end-flow-runs"]:
        sys.exit("Usage: python -m deployments.worker end-flow-runs PID …")
    end_flow_runs(map(int, sys.argv[2:]))
