"""Automations of a Prefect server, over its API: installed by their names, and paused."""

from typing import Any

import httpx

from flows.local_prefect.server_api import connected


def install(url: str, automation: dict[str, Any]) -> None:
    """Create an automation on a server, or bring the one with its name up to date.

    An automation that is as wanted is not touched: a change makes Prefect (3.8.8) forget what it
    has seen so far, such as the last heartbeat of a flow run that has died since.

    Raises:
        httpx.HTTPError: the server did not answer, or refused it.
    """
    with connected(url) as client:
        found = find(client, automation["name"])
        if found is None:
            client.post("/automations/", json=automation).raise_for_status()
        elif not is_as_wanted(automation, found):
            client.put(f"/automations/{found['id']}", json=automation).raise_for_status()


def pause(url: str, name: str) -> None:
    """Pause an automation, if the server has it, until it is installed again.

    Raises:
        httpx.HTTPError: the server did not answer, or refused it.
    """
    with connected(url) as client:
        if found := find(client, name):
            paused = client.patch(f"/automations/{found['id']}", json={"enabled": False})
            paused.raise_for_status()


def find(client: httpx.Client, name: str) -> dict[str, Any] | None:
    """Return the automation with this name, as the server has it, or None."""
    wanted = {"automations": {"name": {"any_": [name]}}}
    found = client.post("/automations/filter", json=wanted).raise_for_status().json()
    return found[0] if found else None


def is_as_wanted(wanted: Any, found: Any) -> bool:
    """Return whether all that is wanted is so; the server adds ids and defaults."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            name in found and is_as_wanted(each, found[name]) for name, each in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        if all(isinstance(each, str) for each in wanted):
            return set(wanted) == set(found)
        return all(map(is_as_wanted, wanted, found))
    return bool(wanted == found)
