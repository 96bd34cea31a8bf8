"""What the marks mean beside what EC2 shows: a prune may have been killed, or a person came."""

from collections.abc import Mapping

from notebake.aws.shown_images import ShownImages
from notebake.images.prune.facts import DISABLED
from notebake.images.prune.marks import Mark

GONE = "deregistered"
"""EC2 may show an image for a short time after that (API reference, DescribeImages)."""


def settled(marks: Mapping[str, Mark], shown: ShownImages) -> dict[str, Mark]:
    """Return the marks as they are true now, without anything that is only begun."""
    states = {each.resource.id: each.resource.state for each in shown.images}
    found = {id: settle_one(mark, states.get(id, GONE)) for id, mark in marks.items()}
    return {image_id: mark for image_id, mark in found.items() if mark}


def settle_one(mark: Mark, state: str) -> Mark | None:
    """Return a mark as it is true for an image in a state; None if nothing is left to be known."""
    if state == GONE:
        return None
    disabled_at = mark.disabled_at
    if mark.doing == "disable":
        disabled_at = mark.since if state == DISABLED else None
    if disabled_at is None:
        return None
    return mark.model_copy(update={"doing": "", "disabled_at": disabled_at})


def left_over(marks: Mapping[str, Mark], shown: ShownImages) -> dict[str, Mark]:
    """Return the marks of images that a prune was removing, and that are gone."""
    states = {each.resource.id: each.resource.state for each in shown.images}
    return {
        image_id: mark
        for image_id, mark in marks.items()
        if mark.doing == "remove" and states.get(image_id, GONE) == GONE
    }
