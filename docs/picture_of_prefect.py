"""The picture of the Prefect UI, taken by a browser after a real rehearsal through a worker."""

import re
import subprocess
import time
from pathlib import Path

import httpx

from docs.browser import find_browser, take_picture

PROJECT = Path(__file__).parents[1]
RUN_SECONDS = 900
FIRST_STEP = "Check that it can work"
"""What the page shows once it has the log of the run."""


def picture_prefect(path: Path) -> None:
    """Rehearse through Prefect's worker, and take a picture of the flow run's page."""
    find_browser()
    try:
        started = subprocess.run(
            ["make", "up"], cwd=PROJECT, check=True, text=True, stdout=subprocess.PIPE
        )
        url = re.search(r"Prefect is at (\S+)", started.stdout)
        if not url:
            raise RuntimeError(f"make up named no address: {started.stdout}")
        flow_run_id = rehearse_through_prefect(f"{url[1]}/api")
        take_picture(f"{url[1]}/runs/flow-run/{flow_run_id}", FIRST_STEP, path)
    finally:
        subprocess.run(["make", "down"], cwd=PROJECT, check=True)


def rehearse_through_prefect(api: str) -> str:
    """Return the id of the flow run of the deployment `rehearsal`, once it has completed.

    Raises:
        RuntimeError: it did not complete.
    """
    with httpx.Client(base_url=api, trust_env=False, timeout=30) as client:
        named = {"deployments": {"name": {"any_": ["rehearsal"]}}}
        (deployment,) = client.post("/deployments/filter", json=named).raise_for_status().json()
        made = client.post(f"/deployments/{deployment['id']}/create_flow_run", json={})
        flow_run_id = str(made.raise_for_status().json()["id"])
        deadline = time.monotonic() + RUN_SECONDS
        state = ""
        while state != "COMPLETED":
            if time.monotonic() > deadline or state in {"FAILED", "CRASHED", "CANCELLED"}:
                raise RuntimeError(f"The flow run {flow_run_id} is {state}")
            time.sleep(1)
            state = client.get(f"/flow_runs/{flow_run_id}").raise_for_status().json()["state_type"]
    return flow_run_id
