"""What becomes of each image, with the one reason: a function of the facts alone."""

import datetime

from notebake.images.prune.facts import ImageFacts, RegionFacts, Unread
from notebake.images.prune.protection import reason_of_people, reason_of_state, reason_of_use
from notebake.images.prune.stages import Action, Due, next_stage, stay
from notebake.record import Record

MOST_NAMED = 3
"""So many uses are named, and the others counted."""


class Decision(Record):
    """What is done with an image, and why."""

    image_id: str
    recipe: str
    run_id: str
    state: str
    made_at: datetime.datetime | None = None
    action: Action
    reason: str
    snapshot_ids: tuple[str, ...] = ()
    usd_per_month: float | None = None

    @property
    def goes(self) -> bool:
        return self.action != "stay"


def decide(facts: RegionFacts) -> list[Decision]:
    """Return the decision on each image: by recipe, and the newest first."""
    names = sorted({image.recipe for image in facts.images})
    return [
        _decided(image, _decide_one(image, facts))
        for name in names
        for image in facts.of_recipe(name)
    ]


def find_due(image: ImageFacts, facts: RegionFacts) -> Due:
    """Return what would be done if nobody used it: by what a listing shows, and the run store."""
    recipe = facts.recipes[image.recipe]
    reason = reason_of_people(image, facts) or reason_of_state(image, recipe)
    if reason or recipe.policy is None:
        return stay(reason)
    if used := reason_of_use(image, recipe.policy, facts):
        return stay(used)
    return next_stage(image, recipe.policy, facts.now)


def _decide_one(image: ImageFacts, facts: RegionFacts) -> Due:
    due = find_due(image, facts)
    if due.action == "stay":
        return due
    return stay(used) if (used := reason_of_users(image)) else due


def reason_of_users(image: ImageFacts) -> str:
    """Return who uses it, or that this is not known; "" if nobody does."""
    if isinstance(image.uses, Unread):
        return f"what refers to it is not known: {image.uses.reason}"
    if image.uses:
        return f"in use: {_list(image.uses)}"
    if isinstance(image.recipients, Unread):
        return f"with whom it is shared is not known: {image.recipients.reason}"
    return f"shared with {_list(image.recipients)}" if image.recipients else ""


def _list(found: tuple[str, ...]) -> str:
    more = len(found) - MOST_NAMED
    named = ", ".join(found[:MOST_NAMED])
    return f"{named} and {more} more" if more > 0 else named


def _decided(image: ImageFacts, due: Due) -> Decision:
    return Decision(
        image_id=image.image_id,
        recipe=image.recipe,
        run_id=image.run_id,
        state=image.state,
        made_at=image.made_at,
        action=due.action,
        reason=due.reason,
        snapshot_ids=image.snapshot_ids,
        usd_per_month=image.usd_per_month,
    )
