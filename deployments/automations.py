"""Automations of a Prefect server, over its API: installed by their names, and paused."""

import os
from typing import Any

import httpx

from notebake.timeouts import PREFECT_ANSWER_SECONDS


def install(url: str, automation: dict[str, Any]) -> None:
    """Create an automation on a server, or bring the one with its name up to date.

    Raises:
        httpx.HTTPError: the server did not answer, or refused it.
    """
    with connected(url) as client:
        if found := find_id(client, automation["name"]):
            answer = client.put(f"/automations/{found}", json=automation)
        else:
            answer = client.post("/automations/", json=automation)
        answer.raise_for_status()


def pause(url: str, name: str) -> None:
    """Pause an automation, if the server has it, until it is installed again.

    Raises:
        httpx.HTTPError: the server did not answer, or refused it.
    """
    with connected(url) as client:
        if found := find_id(client, name):
            client.patch(f"/automations/{found}", json={"enabled": False}).raise_for_status()


def find_id(client: httpx.Client, name: str) -> str:
    """Return the id of the automation with this name, or nothing."""
    wanted = {"automations": {"name": {"any_": [name]}}}
    found = client.post("/automations/filter", json=wanted).raise_for_status().json()
    return str(found[0]["id"]) if found else ""


def connected(url: str) -> httpx.Client:
    """Return a client of a server's API.

    A server with a password takes PREFECT_API_AUTH_STRING of the environment, as USER:PASSWORD.
    """
    user, _, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    return httpx.Client(
        base_url=f"{url}/api",
        auth=(user, password) if user else None,
        timeout=PREFECT_ANSWER_SECONDS,
        trust_env=False,
    )
