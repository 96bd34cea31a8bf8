"""Flow runs on a server, over its API, and the processes that execute them."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from deployments.worker import list_children
from notebake.waiting import wait_until
from tests.limits import HANG_SECONDS
from tests.own_prefect import is_alive


@dataclass(frozen=True)
class FlowRuns:
    """The flow runs of a server."""

    url: str

    def start(self, deployment: str, **parameters: object) -> str:
        """Start a flow run of a deployment, named as `prefect.yaml` does, and return its id."""
        (found,) = self.ask("/deployments/filter", deployments={"name": {"any_": [deployment]}})
        path = f"/deployments/{found['id']}/create_flow_run"
        return str(self.ask(path, parameters=parameters)["id"])

    def copy_deployment(self, of: str, name: str) -> None:
        """Create a deployment of the same flow, without the limit of the first."""
        (found,) = self.ask("/deployments/filter", deployments={"name": {"any_": [of]}})
        kept = ("flow_id", "entrypoint", "parameters", "pull_steps", "work_pool_name", "path")
        self.ask("/deployments/", name=name, **{key: found[key] for key in kept})

    def now(self, flow_run_id: str) -> dict[str, Any]:
        """Return a flow run as the server has it."""
        answer = httpx.get(f"{self.url}/api/flow_runs/{flow_run_id}", trust_env=False)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def state(self, flow_run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.now(flow_run_id)["state"]
        return found

    def states(self, flow_run_id: str) -> list[dict[str, Any]]:
        """Return all states that it had, the first one first."""
        wanted = {"flow_run_id": flow_run_id}
        answer = httpx.get(f"{self.url}/api/flow_run_states/", params=wanted, trust_env=False)
        found: list[dict[str, Any]] = answer.raise_for_status().json()
        return sorted(found, key=lambda state: str(state["timestamp"]))

    def history(self, flow_run_id: str) -> list[str]:
        """Return the names of all states that it had."""
        return [str(state["name"]) for state in self.states(flow_run_id)]

    def tasks(self, flow_run_id: str) -> list[dict[str, Any]]:
        wanted = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
        found: list[dict[str, Any]] = self.ask("/task_runs/filter", **wanted)
        return found

    def wait_for_state(self, flow_run_id: str, *types: str) -> dict[str, Any]:
        """Return the state of a flow run once its type is one of these."""

        def reached() -> dict[str, Any] | None:
            state = self.state(flow_run_id)
            return state if state["type"] in types else None

        return wait_until(
            reached, what=f"{flow_run_id} to be {types}", timeout_seconds=HANG_SECONDS
        )

    def wait_for_task(self, flow_run_id: str, title: str) -> None:
        """Wait until a step runs."""

        def runs() -> bool | None:
            states = [
                task["state_name"] for task in self.tasks(flow_run_id) if task["name"] == title
            ]
            return True if "Running" in states else None

        wait_until(runs, what=title, timeout_seconds=HANG_SECONDS)

    def ask(self, path: str, /, **body: Any) -> Any:
        answer = httpx.post(
            f"{self.url}/api{path}", json=body, trust_env=False, timeout=HANG_SECONDS
        )
        return answer.raise_for_status().json()


def family(pid: int) -> Iterator[int]:
    """Yield a process, its children, and theirs."""
    yield pid
    for child in list_children(pid):
        yield from family(child)


def kill_at_once(pid: int) -> list[int]:
    """End a process and all that it has started by SIGKILL, as the end of their machine does."""
    members = list(family(pid))
    # Stopped first, so that none of them sees another one end.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for member in members:
            with suppress(ProcessLookupError):
                os.kill(member, number)
    wait_until(
        lambda: None if any(map(is_alive, members)) else True,
        what="all of them to end",
        timeout_seconds=HANG_SECONDS,
    )
    return members


def working(workers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the one worker that executes a flow run."""
    (found,) = [each for each in workers if list_children(each["process"]["pid"])]
    return found
