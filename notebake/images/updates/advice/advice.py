"""What is known of vulnerabilities in an image's packages, of when that is, and what nobody asked.

Advice makes no cause changed: a vulnerability may be known for which there is no update, and may
not matter to a notebook.
"""

import datetime
from typing import Literal

from notebake.record import Record

Ecosystem = Literal["python", "apt"]
AdviceState = Literal["asked", "asked in part", "not asked"]


class AdviceError(Exception):
    """Nobody was asked; the text says why, or what came back."""


class Vulnerability(Record):
    """One vulnerability of one package."""

    package: str
    """Of the distribution the source package, of which advisories speak."""
    version: str
    ids: tuple[str, ...]
    """Such as CVE-2024-22195, GHSA-h5c8-rqwp-cp95 or PYSEC-2024-123."""
    fixed: tuple[str, ...] = ()
    """Versions without it, if the source names some."""
    urgency: str = ""
    """`low`, `medium` or `high`; "" if the source does not say."""
    detail: str = ""
    """Which packages or environment of the image have it, and whether it can be used remotely."""

    @property
    def public_id(self) -> str:
        """Its CVE number, or else the source's own id."""
        return next((each for each in self.ids if each.startswith("CVE-")), self.ids[0])


class Advice(Record):
    """What one source says of all packages of one kind.

    Without findings a source that was asked knows of none. One that was not asked has no findings,
    and `reason` says why; where a part was not asked, `reason` says which.
    """

    ecosystem: Ecosystem
    state: AdviceState
    source: str = ""
    """Whose data they are, and by which program they were read."""
    data_of: datetime.datetime | None = None
    """Of when the data are, in UTC; of a service that answers each question, when it was asked."""
    packages: int = 0
    """How many packages were asked for."""
    reason: str = ""
    findings: tuple[Vulnerability, ...] = ()


def not_asked(ecosystem: Ecosystem, reason: str) -> Advice:
    """Return that nobody was asked."""
    return Advice(ecosystem=ecosystem, state="not asked", reason=reason)
