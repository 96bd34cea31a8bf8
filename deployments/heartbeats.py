"""Has Prefect notice that a flow run is dead, though its process and its worker were both killed.

python -m deployments.heartbeats http://127.0.0.1:4200    # `make up` does this for its own server

Without this, Prefect shows such a run as Running for ever. Its server has a rule for it, an
automation, which nobody installs by himself (prefect 3.8.8, "Detect zombie flow runs").
"""

import os
import sys

import httpx

from notebake.timeouts import PREFECT_ANSWER_SECONDS

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
    " does. To go on: press Retry. To remove it: run the deployment `tear-down` with the run id"
    " that is among the tags."
)
AUTOMATION = {
    "name": NAME,
    "description": "A flow run without heartbeats becomes Crashed, so that Retry continues it.",
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
    "actions": [{"type": "change-flow-run-state", "state": "CRASHED", "message": MESSAGE}],
}


def install_automation(url: str) -> None:
    """Create the automation on a server, or bring it up to date.

    A server with a password takes PREFECT_API_AUTH_STRING of the environment, as USER:PASSWORD.

    Raises:
        httpx.HTTPError: the server did not answer, or refused it.
    """
    user, _, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    with httpx.Client(
        base_url=f"{url}/api",
        auth=(user, password) if user else None,
        timeout=PREFECT_ANSWER_SECONDS,
        trust_env=False,
    ) as client:
        wanted = {"automations": {"name": {"any_": [NAME]}}}
        found = client.post("/automations/filter", json=wanted).raise_for_status().json()
        if found:
            answer = client.put(f"/automations/{found[0]['id']}", json=AUTOMATION)
        else:
            answer = client.post("/automations/", json=AUTOMATION)
        answer.raise_for_status()


if __name__ == "__main__":
    try:
        install_automation(sys.argv[1].rstrip("/").removesuffix("/api"))
    except (httpx.HTTPError, httpx.InvalidURL, IndexError) as error:
        sys.exit(f"The automation could not be installed: {error or 'give the address'}")
