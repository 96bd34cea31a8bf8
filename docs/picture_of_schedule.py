"""The picture of the page of a deployment whose schedule bakes when there is a reason to."""

import tempfile
from pathlib import Path

import httpx

from docs.browser import take_picture
from docs.picture_of_prefect import (
    ask,
    deployment_id,
    is_completed,
    is_running,
    prefect_up,
    wait_until,
)

RECIPE = """\
name: ocean
root_volume: {size_gib: 8}
software: {manager: pip}
rebake: {on: [base, direct], cooldown_days: 0}
"""
MONTHLY = {"cron": "0 6 1 * *", "timezone": "America/Los_Angeles"}
COPIED = (
    *("flow_id", "entrypoint", "path", "pull_steps", "parameter_openapi_schema"),
    *("work_pool_name", "work_queue_name"),
)


def picture_schedule(path: Path) -> None:
    """Let a deployment with a schedule bake its first image, and take a picture of its page."""
    with prefect_up() as url, tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, "ocean.yaml")
        recipe.write_text(RECIPE)
        deployment = copy_deployment(url, recipe)
        try:
            take_schedule(url, deployment, path)
        finally:
            delete = f"{url}/api/deployments/{deployment}"
            httpx.delete(delete, trust_env=False).raise_for_status()


def copy_deployment(url: str, recipe: Path) -> str:
    """Make a deployment as `update-rehearsal` is, for another recipe; return its id."""
    original = ask(url, f"/deployments/{deployment_id(url, 'update-rehearsal')}")
    wanted = {name: original[name] for name in COPIED} | {
        "name": "update-ocean",
        "parameters": {"recipe_path": str(recipe), "promote": True},
        "schedules": [{"schedule": MONTHLY, "active": True}],
    }
    return str(ask(url, "/deployments/", wanted)["id"])


def take_schedule(url: str, deployment: str, path: Path) -> None:
    """Start what bakes, what finds another one in progress, and what finds nothing to bake."""
    first = start(url, deployment)
    wait_until(lambda: is_running(url, first, "Install the software"), "the bake")
    wait_for_end(url, start(url, deployment))
    wait_for_end(url, first)
    wait_for_end(url, start(url, deployment))
    take_picture(f"{url}/deployments/deployment/{deployment}", "nothing to bake", path)


def wait_for_end(url: str, flow_run_id: str) -> None:
    """Wait until a flow run has completed."""
    wait_until(lambda: is_completed(url, flow_run_id), f"the end of flow run {flow_run_id}")


def start(url: str, deployment: str) -> str:
    """Start a flow run of a deployment, and return its id."""
    return str(ask(url, f"/deployments/{deployment}/create_flow_run", {})["id"])
