"""The pictures of the Prefect UI, taken by a browser: forms, a bake in progress, a bake done."""

import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from docs.browser import find_browser, take_picture

PROJECT = Path(__file__).parents[1]
RUN_SECONDS = 900
FIRST_STEP = "Check that it can work"
"""What the page shows once it has the log of the run."""
TALL = 1120
"""In pixels: what a form shows takes the room that its fields leave."""
LIVE_STEP = "Run the notebook"


def picture_form(path: Path) -> None:
    """Take a picture of the form of the deployment `build`."""
    with prefect_up() as url:
        deployment = deployment_id(url, "build")
        take_picture(f"{url}/deployments/deployment/{deployment}/run", "recipe_path", path)


def picture_live(path: Path) -> None:
    """Take a picture of a rehearsal whose notebook is running; wait for its end."""
    with prefect_up() as url:
        flow_run_id = start_rehearsal(url)
        wait_until(lambda: is_running(url, flow_run_id, LIVE_STEP), f"“{LIVE_STEP}”")
        take_picture(f"{url}/runs/flow-run/{flow_run_id}", FIRST_STEP, path)
        wait_until(lambda: is_completed(url, flow_run_id), "the end of the rehearsal")


def picture_prefect(path: Path) -> None:
    """Rehearse through Prefect's worker, and take a picture of the flow run's page."""
    with prefect_up() as url:
        flow_run_id = start_rehearsal(url)
        wait_until(lambda: is_completed(url, flow_run_id), "the end of the rehearsal")
        take_picture(f"{url}/runs/flow-run/{flow_run_id}", FIRST_STEP, path)


def picture_approval(path: Path) -> None:
    """Let a build ask for an approval, and take a picture of its form."""
    with prefect_up() as url, tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, "ocean.yaml")
        recipe.write_text("name: ocean\napprove: [bake]\n")
        take_approval(url, recipe, path)


def take_approval(url: str, recipe: Path, path: Path) -> None:
    """Take a picture of the form by which the bake of a recipe is approved."""
    wanted = {"parameters": {"recipe_path": str(recipe)}}
    flow_run_id = str(
        ask(url, f"/deployments/{deployment_id(url, 'build')}/create_flow_run", wanted)["id"]
    )
    wait_until(lambda: "Approval wanted" in message_of(url, flow_run_id), "the question")
    page = f"{url}/runs/flow-run/{flow_run_id}"
    take_picture(page, FIRST_STEP, path, press="Resume", then="Submit", height=TALL)
    ask(url, f"/flow_runs/{flow_run_id}/set_state", {"state": {"type": "CANCELLED"}, "force": True})


@contextmanager
def prefect_up() -> Iterator[str]:
    """Provide Prefect with a worker while the block runs, and yield its address."""
    find_browser()
    try:
        started = subprocess.run(
            ["make", "up"], cwd=PROJECT, check=True, text=True, stdout=subprocess.PIPE
        )
        url = re.search(r"Prefect is at (\S+)", started.stdout)
        if not url:
            raise RuntimeError(f"make up named no address: {started.stdout}")
        yield url[1]
    finally:
        subprocess.run(["make", "down", "YES=1"], cwd=PROJECT, check=True)


def ask(url: str, path: str, wanted: dict[str, Any] | None = None) -> Any:
    """Return what Prefect's API answers to a GET, or to a POST of what is wanted."""
    with httpx.Client(base_url=f"{url}/api", trust_env=False, timeout=30) as client:
        answer = client.get(path) if wanted is None else client.post(path, json=wanted)
        return answer.raise_for_status().json()


def deployment_id(url: str, name: str) -> str:
    """Return the id of a deployment."""
    (found,) = ask(url, "/deployments/filter", {"deployments": {"name": {"any_": [name]}}})
    return str(found["id"])


def start_rehearsal(url: str) -> str:
    """Start the deployment `rehearsal`, and return the id of its flow run."""
    path = f"/deployments/{deployment_id(url, 'rehearsal')}/create_flow_run"
    return str(ask(url, path, {})["id"])


def message_of(url: str, flow_run_id: str) -> str:
    """Return the message of the state of a flow run."""
    return str((ask(url, f"/flow_runs/{flow_run_id}")["state"] or {}).get("message") or "")


def is_running(url: str, flow_run_id: str, title: str) -> bool:
    """Return whether a step is being carried out."""
    tasks = ask(url, "/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run_id]}}})
    states = {task["name"]: task["state_type"] for task in tasks}
    return states.get(title) == "RUNNING"


def is_completed(url: str, flow_run_id: str) -> bool:
    """Return whether a flow run has completed.

    Raises:
        RuntimeError: it has ended in another way.
    """
    state = ask(url, f"/flow_runs/{flow_run_id}")["state_type"]
    if state in {"FAILED", "CRASHED", "CANCELLED"}:
        raise RuntimeError(f"The flow run {flow_run_id} is {state}")
    return bool(state == "COMPLETED")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds; raise RuntimeError if that takes too long."""
    deadline = time.monotonic() + RUN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Timed out after {RUN_SECONDS} s waiting for {what}.")
        time.sleep(1)
