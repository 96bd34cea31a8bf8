"""Why an image stays whatever its age: the first reason in this order."""

import datetime

from notebake.aws import tags
from notebake.images.pointer_record import Pointer
from notebake.images.prune.facts import (
    AVAILABLE,
    DISABLED,
    ImageFacts,
    RecipeFacts,
    RegionFacts,
    Unread,
)
from notebake.recipe.prune import Prune


def reason_of_people(image: ImageFacts, facts: RegionFacts) -> str:
    """Return why people, or what they have set, keep it; "" if nothing does."""
    if image.doubt:
        return image.doubt
    if image.is_kept:
        return f"tagged {tags.KEEP}"
    if image.is_protected:
        return "protected against deregistration in EC2"
    return (
        _reason_of_pointer(image, facts)
        or _reason_of_parameter(image, facts.named)
        or (
            "an approval is waiting for an answer"
            if image.image_id in facts.awaiting_approval
            else ""
        )
    )


def _reason_of_pointer(image: ImageFacts, facts: RegionFacts) -> str:
    pointer = facts.recipes[image.recipe].pointer
    if isinstance(pointer, Unread):
        return f"which image is current could not be read: {pointer.reason}"
    if pointer is None:
        return ""
    if image.image_id == pointer.image_id:
        return "current, held" if pointer.is_held else "current"
    if pointer.moving and image.image_id == pointer.moving.to.image_id:
        return "about to become current"
    usable = {each.image_id for each in facts.images if each.is_usable}
    if image.image_id == pointer.before(usable):
        return "previous: a rollback goes back to it"
    return _reason_of_hold(image, pointer, facts)


def _reason_of_hold(image: ImageFacts, pointer: Pointer, facts: RegionFacts) -> str:
    """Keep what a rollback has left behind: somebody may still look into it."""
    if not pointer.is_held:
        return ""
    current = next((each for each in facts.images if each.image_id == pointer.image_id), None)
    if current and current.made_at and image.made_at and image.made_at <= current.made_at:
        return ""
    return "newer than the current image, which is held"


def _reason_of_parameter(image: ImageFacts, named: object) -> str:
    if isinstance(named, Unread):
        return f"which images are named by parameters could not be read: {named.reason}"
    if isinstance(named, dict) and image.image_id in named.values():
        return "named by the parameter of its recipe"
    return ""


def reason_of_state(image: ImageFacts, recipe: RecipeFacts) -> str:
    """Return why no policy applies to it; "" if one does."""
    if not image.is_accepted:
        return "not accepted: `notebake sweep` removes it after its lease"
    if not recipe.is_given:
        return "no recipe was given that says what becomes of it"
    if recipe.policy is None:
        return "its recipe has no part `prune`"
    if image.state not in (AVAILABLE, DISABLED):
        return f"EC2 says that it is {image.state}"
    return ""


def reason_of_use(image: ImageFacts, policy: Prune, facts: RegionFacts) -> str:
    """Return why it counts as used, by what a listing shows; "" if it does not."""
    newest = [each.image_id for each in facts.of_recipe(image.recipe) if each.is_usable]
    if image.image_id in newest[: policy.keep]:
        return "accepted last" if policy.keep == 1 else f"one of the {policy.keep} accepted last"
    if image.made_at is None:
        return "EC2 does not tell when it was made"
    young = datetime.timedelta(days=policy.younger_than_days)
    if not image.is_revoked and facts.now - image.made_at < young:
        return f"younger than {policy.younger_than_days} days"
    if launched := _launched(image, policy, facts.now):
        return launched
    if image.image_id in facts.bases:
        return f"the base image of the recipe {facts.bases[image.image_id]}"
    for other in facts.images:
        is_based_on = other.base_image_id == image.image_id and other.recipe != image.recipe
        if is_based_on and other.is_usable:
            return f"the base of {other.image_id}, recipe {other.recipe}"
    return "shared with everybody" if image.is_public else ""


def _launched(image: ImageFacts, policy: Prune, now: datetime.datetime) -> str:
    last = image.last_launched
    if last is None or now - last >= datetime.timedelta(days=policy.launched_within_days):
        return ""
    # Machines that prove an image are launched before it is accepted, and no others.
    if image.accepted_at and last <= image.accepted_at:
        return ""
    return f"a machine was launched from it on {last:%Y-%m-%d}"
