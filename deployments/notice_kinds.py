"""The kinds of notices: for which event of Prefect each is sent, and what it says.

The text is a template of Prefect's automations. A flow run's parameters never stand in it, and the
message of a state is cut, as an error that is not ours may say anything.
"""

from typing import Any

from flows.notices import APPROVAL_WANTED, IMAGE_RETIRING, MACHINE_EXPIRED

ONCE_SECONDS = 600
"""Of one flow run the same kind is sent once in so long: a worker reports a dead process twice, and
a state gets our message after Prefect's own."""
AGAIN_SECONDS = 3600
"""The same for what a flow announces."""
LATE_SECONDS = 1800
"""A flow run that is late for so long has no worker, or one that does nothing but wait."""
MOST_CHARACTERS = 1500
FLOW_RUN = {"prefect.resource.id": ["prefect.flow-run.*"]}
OF_DEPLOYMENTS = {"prefect.resource.role": "deployment"}
"""Whoever builds in a terminal sees its end there."""
STARTED = ("Pending", "Running", "Completed", "Failed", "Crashed", "Cancelling", "Cancelled",
           "Paused", "Suspended", "AwaitingRetry", "Rescheduled")  # fmt: skip
TITLE = "{{ deployment.name }}, flow run {{ flow_run.name }}"
MESSAGE = f"{{{{ (flow_run.state.message or 'without a message')[:{MOST_CHARACTERS}] }}}}"
ADDRESS = "ADDRESS"
"""Stands for the server's address, as whoever installs the notices knows it."""
PAGE = f"Its page: {ADDRESS}/runs/flow-run/{{{{ flow_run.id }}}}"
FAILED = f"""\
{MESSAGE}

What: {TITLE}
What is left, what that costs, and how to go on: {PAGE}
To do: read that, mend what it names, then press Retry there. To remove what is left, run the
deployment `tear-down` with the run id that is among the tags."""
LATE = f"""\
What: {TITLE}, due {{{{ flow_run.expected_start_time }}}}
It has not begun for {LATE_SECONDS // 60} minutes. Nothing runs, and nothing costs.
{PAGE}
To do: look in Prefect's UI under Work Pools whether a worker is alive, and start one."""
ANNOUNCED = f"{{{{ (event.payload.text or '')[:{MOST_CHARACTERS}] }}}}"
APPROVAL = f"""\
{ANNOUNCED}

To do: open the flow run's page, press Resume, and fill in the form. {PAGE}"""


def _trigger(*expect: str, match: dict[str, Any], within: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "event",
        "posture": "Reactive",
        "expect": [*expect],
        "match": match,
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": within,
        **more,
    }


def _announced(event: str) -> dict[str, Any]:
    return _trigger(event, match={"prefect.resource.id": [f"{event}.*"]}, within=AGAIN_SECONDS)


KINDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "Notice: a flow run has failed": (
        _trigger(
            *(f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut")),
            match=FLOW_RUN,
            match_related=OF_DEPLOYMENTS,
            within=ONCE_SECONDS,
        ),
        f"{{{{ flow_run.state.name }}}}: {TITLE}",
        FAILED,
    ),
    "Notice: a scheduled flow run does not begin": (
        _trigger(
            *(f"prefect.flow-run.{state}" for state in STARTED),
            match=FLOW_RUN,
            match_related=OF_DEPLOYMENTS,
            within=LATE_SECONDS,
            posture="Proactive",
            after=["prefect.flow-run.Late"],
        ),
        f"Does not begin: {TITLE}",
        LATE,
    ),
    "Notice: an approval is wanted": (
        _trigger(
            APPROVAL_WANTED,
            match={"prefect.resource.id": ["notebake.approval.*"]},
            within=ONCE_SECONDS,
        ),
        "Approval wanted: {{ event.resource.name }}",
        APPROVAL,
    ),
    "Notice: a machine is beyond its time": (
        _announced(MACHINE_EXPIRED),
        "{{ event.payload.subject }}",
        ANNOUNCED,
    ),
    "Notice: images are to be retired": (
        _announced(IMAGE_RETIRING),
        "{{ event.payload.subject }}",
        ANNOUNCED,
    ),
}
"""By its name: when, the subject, and the text."""
NAMES = tuple(KINDS)


def automations(block_id: str, url: str) -> list[dict[str, Any]]:
    """Return the automations that send all kinds by one block.

    `url` is the server's address for whoever reads a notice: a server knows its own only if it was
    told (PREFECT_UI_URL), and then as itself sees it.
    """
    return [
        {
            "name": name,
            "description": "Installed by `python -m deployments.notices`.",
            "enabled": True,
            "trigger": trigger,
            "actions": [
                {
                    "type": "send-notification",
                    "block_document_id": block_id,
                    "subject": subject,
                    "body": body.replace(ADDRESS, url),
                }
            ],
        }
        for name, (trigger, subject, body) in KINDS.items()
    ]
