"""Events for people who do not look at Prefect: each becomes a notice, if somebody wants notices.

A flow announces what it found; the automations of `python -m deployments.notices` send it on, by
the block that a person has chosen. Without them an event is only a line on Prefect's page.
"""

from collections.abc import Sequence

from prefect.events import emit_event

from notebake.humanize import clean_text, pluralize
from notebake.ledger.redaction import redact

MACHINE_EXPIRED = "notebake.machine.expired"
"""Something that a run made is beyond its lease, and still there."""
IMAGE_RETIRING = "notebake.image.retiring"
"""Images are going to be retired, or were."""
APPROVAL_WANTED = "notebake.approval.wanted"
"""A person is asked before a run goes on."""
MOST_LINES = 20


def announce(
    event: str,
    about: str,
    *,
    subject: str,
    lines: Sequence[str],
    press: str,
) -> None:
    """Announce something to people; one call for each flow run and kind, however much it found.

    What looks like a credential is left out. That an event does not arrive is no error.

    Args:
        event: One of the names above.
        about: What it is about, such as a region: of one thing the same is told once an hour.
        subject: What happened, in one line.
        lines: What, where and what it costs; of many the first ones are sent.
        press: What to press or to type next.
    """
    shown = [*lines[:MOST_LINES]]
    if more := len(lines) - len(shown):
        shown.append(f"and {pluralize(more, 'more line')}")
    emit_event(
        event,
        resource={"prefect.resource.id": f"{event}.{about}", "prefect.resource.name": about},
        payload={
            "subject": redact(clean_text(subject)),
            "text": redact(clean_text("\n".join((*shown, f"To do: {press}")))),
        },
    )
