"""The flow runs that `make up` or `make down` would interrupt, and whether that is agreed to."""

import sys
from typing import Any

import httpx

from notebake.errors import NotebakeError
from notebake.humanize import first_line, pluralize
from notebake.timeouts import PREFECT_ANSWER_SECONDS

ACTIVE = ["RUNNING", "PENDING", "CANCELLING"]


def check_may_interrupt(url: str, action: str, *, agreed: bool) -> None:
    """Ask, if flow runs are in progress, whether to interrupt them.

    Args:
        url: The server's address. If nobody listens there, nothing is in progress.
        action: What is going to be done, to complete "… interrupts what is in progress".
        agreed: The answer was given beforehand.

    Raises:
        NotebakeError: not agreed to, or there is nobody to ask.
    """
    if agreed or not (found := describe_active(url)):
        return
    sys.stdout.write(
        f"{found}\n{action} interrupts what is in progress."
        " Machines on AWS stay until their leases end.\n"
        "Retry in Prefect, or `notebake resume`, goes on from there.\n"
    )
    if not sys.stdin.isatty():
        raise NotebakeError("Nothing was ended.", "To agree beforehand: add YES=1 to the command.")
    if input("Interrupt? [y/N] ").strip().lower() not in ("y", "yes"):
        raise NotebakeError("Nothing was ended.")


def describe_active(url: str) -> str:
    """Return a sentence on what is in progress, or may be; empty if nothing is."""
    try:
        names = list_active(url)
    except (httpx.HTTPError, ValueError) as error:
        reason = first_line(str(error)) or type(error).__name__
        return f"Prefect at {url} does not say whether flow runs are in progress ({reason})."
    return f"{pluralize(len(names), 'flow run')} in progress: {', '.join(names)}." if names else ""


def list_active(url: str) -> list[str]:
    """Return the names of the flow runs in progress; none if nobody listens at the address.

    Raises:
        httpx.HTTPError, ValueError: the server, which may only be busy, does not say.
    """
    wanted = {"flow_runs": {"state": {"type": {"any_": ACTIVE}}}}
    try:
        answer = httpx.post(
            f"{url}/api/flow_runs/filter",
            json=wanted,
            timeout=PREFECT_ANSWER_SECONDS,
            trust_env=False,
        )
    except httpx.ConnectError:
        return []
    found: list[dict[str, Any]] = answer.raise_for_status().json()
    return [str(flow_run["name"]) for flow_run in found]
