"""The one structure that is shown as text, as HTML and as JSON."""

import datetime

from notebake.humanize import pluralize
from notebake.images.updates.finding import Cause, CauseFinding, Change, State
from notebake.images.updates.sentence import changes_that_count, describe_cause
from notebake.record import Record

CAUSES: tuple[Cause, ...] = (
    *("direct", "security", "transitive", "system"),
    *("base image", "repository", "data", "recipe", "tools"),
)
"""In the order in which they are shown: first what a user of the image named."""


class ComparedImage(Record):
    """One of the two images, and the run that made it."""

    run_id: str
    image_id: str | None
    """None if the run has no accepted image."""
    accepted: datetime.datetime | None
    """When the image was accepted, in UTC."""


class NumbersFinding(Record):
    """What the notebook printed on the builders: the numbers that differ."""

    state: State
    reason: str = ""
    """Why they, or some of them, were not compared."""
    compared: int = 0
    """How many numbers were, with those that only one of the two notebooks has."""
    changes: tuple[Change, ...] = ()
    """Those that differ by more than the recipe tolerates, by their places."""


class SizeChange(Record):
    """A size of both images, in bytes; None: not kept."""

    name: str
    old: int | None
    new: int | None


class ImageDifference(Record):
    """What differs between two images."""

    recipe: str
    """The name of the recipe of the second one."""
    region: str
    before: ComparedImage
    after: ComparedImage
    findings: tuple[CauseFinding, ...]
    """One for each cause, in the order of `CAUSES`."""
    numbers: NumbersFinding
    sizes: tuple[SizeChange, ...]

    @property
    def changed(self) -> tuple[CauseFinding, ...]:
        return tuple(each for each in self.findings if each.state == "changed")

    @property
    def not_kept(self) -> tuple[str, ...]:
        """What could not be compared, or not all of it."""
        found = [each.cause for each in self.findings if each.reason]
        return (*found, *(["numbers"] if self.numbers.reason else []))

    @property
    def count(self) -> int:
        """How many changes there are, without those that need no new image."""
        return sum(len(changes_that_count(finding)) for finding in self.changed)


def describe_difference(found: ImageDifference) -> str:
    """Return it in one sentence: `12 changes: direct (xarray 2026.9 -> 2026.11), repository`."""
    sentence = "no change"
    if found.changed:
        names = ", ".join(describe_cause(finding) for finding in found.changed)
        sentence = f"{pluralize(found.count, 'change')}: {names}"
    if found.numbers.changes:
        sentence += f"; {pluralize(len(found.numbers.changes), 'number')} of the notebook differ"
        sentence += "s" if len(found.numbers.changes) == 1 else ""
    if found.not_kept:
        sentence += f"; not kept: {', '.join(found.not_kept)}"
    return sentence
