"""The result of a check for updates, and where the run store keeps it as evidence."""

import datetime
from typing import get_args

from notebake.images.updates.advice.advice import Advice
from notebake.images.updates.finding import Cause, CauseFinding
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.reserved_ids import CHECKS

CAUSES: tuple[Cause, ...] = get_args(Cause)
"""In the order in which findings are listed."""


class UpdateCheck(Record):
    """What differs between the newest accepted image of a recipe and its sources, at one time."""

    recipe: str
    """The name of the recipe."""
    region: str
    checked: datetime.datetime
    """When, in UTC."""
    image_id: str | None = None
    """None if no image of the recipe was accepted: then there are no findings."""
    image_state: str = ""
    """In EC2's words, or `not there`; "" if EC2 did not answer."""
    revoked: str = ""
    """Why the image was revoked; "" if it is not."""
    run_id: str | None = None
    """The run that made the image."""
    accepted: datetime.datetime | None = None
    """When the image was accepted, in UTC."""
    findings: tuple[CauseFinding, ...] = ()
    """One for each cause, in the order of `CAUSES`."""
    advice: tuple[Advice, ...] = ()
    """Known vulnerabilities, by ecosystem. They are no cause: no finding depends on them."""
    aws_calls: int = 0
    """How many calls to AWS it took, those to a run store on S3 too."""

    @property
    def changed(self) -> tuple[CauseFinding, ...]:
        return tuple(finding for finding in self.findings if finding.state == "changed")

    @property
    def not_checked(self) -> tuple[CauseFinding, ...]:
        """Causes of which at least a part was not asked."""
        return tuple(finding for finding in self.findings if finding.reason)


def keep_check(check: UpdateCheck, location: str) -> str:
    """Store a check; return its location for people. A stored check is never replaced.

    Raises:
        RunStoreError: the store failed.
    """
    store = open_store(location)
    key = f"{CHECKS}/{check.recipe}/{check.checked:%Y%m%dT%H%M%S.%fZ}.json"
    store.create(key, f"{check.model_dump_json(indent=2)}\n".encode())
    return store.where(key)
