"""The flow runs that `make up` or `make down` would interrupt, and whether that is agreed to."""

import sys
from typing import Any

import httpx

from notebake.errors import NotebakeError
from notebake.humanize import pluralize
from notebake.timeouts import PREFECT_ANSWER_SECONDS

ACTIVE = ["RUNNING", "PENDING", "CANCELLING"]


def check_may_interrupt(url: str, action: str, *, agreed: bool) -> None:
    """Ask, if flow runs are in progress, whether to interrupt them.

    Args:
        url: The server's address. If it does not answer, nothing is in progress.
        action: What is going to be done, to complete "… interrupts it".
        agreed: The answer was given beforehand.

    Raises:
        NotebakeError: not agreed to, or there is nobody to ask.
    """
    names = list_active(url)
    if not names or agreed:
        return
    sys.stdout.write(
        f"{pluralize(len(names), 'flow run')} in progress: {', '.join(names)}.\n"
        f"{action} interrupts {'it' if len(names) == 1 else 'them'}."
        " Machines on AWS stay until their leases end.\n"
        "Retry in Prefect, or `notebake resume`, goes on from there.\n"
    )
    if not sys.stdin.isatty():
        raise NotebakeError("Nothing was ended.", "To agree beforehand: add YES=1 to the command.")
    if input("Interrupt? [y/N] ").strip().lower() not in ("y", "yes"):
        raise NotebakeError("Nothing was ended.")


def list_active(url: str) -> list[str]:
    """Return the names of the flow runs in progress; none if the server does not answer."""
    wanted = {"flow_runs": {"state": {"type": {"any_": ACTIVE}}}}
    try:
        answer = httpx.post(
            f"{url}/api/flow_runs/filter",
            json=wanted,
            timeout=PREFECT_ANSWER_SECONDS,
            trust_env=False,
        )
        found: list[dict[str, Any]] = answer.raise_for_status().json()
    except httpx.HTTPError:
        return []
    return [str(flow_run["name"]) for flow_run in found]
