"""Has Prefect notice that a flow run is dead, though its process and its worker were both killed.

python -m deployments.heartbeats http://127.0.0.1:4200    # `make up` does this for its own server

Without this, Prefect shows such a run as Running for ever. Its server has a rule for it, an
automation, which nobody installs by himself (prefect 3.8.8, "Detect zombie flow runs").
"""

import sys
from typing import Any

import httpx

from deployments import automations
from deployments.going_on import GOING_ON
from flows.local_prefect.after_crash import GOES_ON
from flows.next_steps import RETRY

HEARTBEAT_SECONDS = 30
"""The least that Prefect takes (prefect/flow_engine.py, MINIMUM_HEARTBEAT_INTERVAL)."""
SILENCE_SECONDS = 75
"""Two heartbeats may be missed in a row, a third one not."""
HEARTBEAT_SETTINGS = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS)}
NAME = "Notice dead flow runs"
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = ("Completed", "Failed", "Cancelled", "Crashed", "Paused", "Suspended", "AwaitingRetry")
MESSAGE = (
    f"No sign of life for {SILENCE_SECONDS} s: the process and its worker were killed, or their"
    " computer is off. What the run has launched may still run; it ends by itself when its lease"
    " does. To go on: %s. To remove it: run the deployment `tear-down` with the run id"
    " that is among the tags."
)
AUTOMATION: dict[str, Any] = {
    "name": NAME,
    "description": "A flow run without heartbeats becomes Crashed, so that it can go on.",
    "enabled": True,
    "trigger": {
        "type": "event",
        "posture": "Proactive",
        "after": [HEARTBEAT],
        "expect": [HEARTBEAT, *(f"prefect.flow-run.{state}" for state in ENDS)],
        "match": {"prefect.resource.id": ["prefect.flow-run.*"]},
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": SILENCE_SECONDS,
    },
    "actions": [{"type": "change-flow-run-state", "state": "CRASHED", "message": MESSAGE % RETRY}],
}


def install_automation(url: str, *, goes_on: bool = False) -> None:
    """Have a server mark dead flow runs, and let them go on by themselves if that is wanted.

    Raises:
        httpx.HTTPError: the server did not answer, or refused it.
    """
    to_go_on = GOES_ON if goes_on else RETRY
    action = AUTOMATION["actions"][0] | {"message": MESSAGE % to_go_on}
    automations.install(url, AUTOMATION | {"actions": [action]})
    if goes_on:
        automations.install(url, GOING_ON)
    else:
        automations.pause(url, GOING_ON["name"])


def main(words: list[str]) -> None:
    """Install the automations on the server that is named."""
    goes_on = "--go-on" in words
    (url,) = [word for word in words if word != "--go-on"] or [""]
    install_automation(url.rstrip("/").removesuffix("/api"), goes_on=goes_on)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        sys.exit(f"The automations could not be installed: {error}")
