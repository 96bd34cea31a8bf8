"""The picture of the Prefect UI, taken by a browser after a real rehearsal through a worker."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import httpx

PROJECT = Path(__file__).parents[1]
WINDOW = (1400, 1080)
RUN_SECONDS = 900
PAGE_SECONDS = 30


def picture_prefect(path: Path) -> None:
    """Rehearse through Prefect's worker, and take a picture of the flow run's page."""
    browser = find_browser()
    try:
        started = subprocess.run(
            ["make", "up"], cwd=PROJECT, check=True, text=True, stdout=subprocess.PIPE
        )
        url = re.search(r"Prefect is at (\S+)", started.stdout)
        if not url:
            raise RuntimeError(f"make up named no address: {started.stdout}")
        flow_run_id = rehearse_through_prefect(f"{url[1]}/api")
        take_picture(browser, f"{url[1]}/runs/flow-run/{flow_run_id}", path)
    finally:
        subprocess.run(["make", "down"], cwd=PROJECT, check=True)


def find_browser() -> str:
    """Return the program of a Chromium.

    Raises:
        RuntimeError: there is none.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise RuntimeError("There is no Chromium. On Debian: apt-get install chromium")


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


def take_picture(browser: str, url: str, path: Path) -> None:
    """Have a browser without a window draw a page and save it."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            "--headless",
            "--hide-scrollbars",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={profile}",
            f"--window-size={WINDOW[0]},{WINDOW[1]}",
            f"--virtual-time-budget={PAGE_SECONDS * 1000}",
            f"--screenshot={path}",
            url,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=RUN_SECONDS)
