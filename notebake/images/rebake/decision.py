"""Whether a check for updates is a reason to bake again: a function of what is known alone."""

import datetime
from typing import Literal

from notebake.humanize import pluralize
from notebake.images.updates.current import GONE
from notebake.images.updates.finding import Cause, CauseFinding
from notebake.images.updates.sentence import describe_cause, describe_revoked
from notebake.images.updates.update_check import UpdateCheck
from notebake.recipe.rebake import Rebake, RebakeCause
from notebake.record import Record

CAUSES: dict[RebakeCause, Cause] = {
    "base": "base image",
    "security": "security",
    "system": "system",
    "direct": "direct",
    "transitive": "transitive",
    "repository": "repository",
    "data": "data",
    "recipe": "recipe",
    "tools": "tools",
}
Outcome = Literal["rebake", "keep", "not known", "stopped"]
DAY = datetime.timedelta(days=1)


class Decision(Record):
    """What to do, and why, in words.

    `keep`: the image stays as it is. `not known`: a cause that counts could not be asked, and none
    has changed. `stopped`: too many rebakes in a row have failed.
    """

    outcome: Outcome
    reason: str


def decide(
    check: UpdateCheck, policy: Rebake | None, now: datetime.datetime, failures: int = 0
) -> Decision:
    """Return whether to bake again; `failures` is how many rebakes in a row have failed."""
    if policy is None:
        return keep("the recipe has no rebake policy, so that it is baked by hand only")
    if failures >= policy.failures:
        return Decision(
            outcome="stopped", reason=describe_stop(check.recipe, check.image_id, failures)
        )
    if check.image_id is None or check.accepted is None:
        return Decision(outcome="rebake", reason=f"no image of {check.recipe} was accepted yet")
    # Before its state: prune disables a revoked image, and then EC2 does not show it any more.
    if check.revoked:
        return Decision(outcome="rebake", reason=describe_revoked(check))
    if check.image_state == GONE:
        reason = f"{check.image_id} is {GONE}: removed, or not seen with these credentials"
        return Decision(outcome="not known", reason=reason)
    counting = {CAUSES[cause] for cause in policy.on}
    found = [finding for finding in check.changed if finding.cause in counting]
    if found:
        return Decision(outcome="rebake", reason=f"changed: {_list(found)}")
    age = now - check.accepted
    if policy.max_age_days is not None and age > policy.max_age_days * DAY:
        days = pluralize(policy.max_age_days, "day")
        return Decision(outcome="rebake", reason=f"older than {days} ({age.days})")
    missing = [each for each in check.not_checked if each.cause in counting]
    if missing:
        reasons = "; ".join(f"{each.cause} cannot be asked: {each.reason}" for each in missing)
        return Decision(outcome="not known", reason=reasons)
    if check.changed:
        return keep(f"changed, but not among the causes that count: {_list(check.changed)}")
    return keep(f"nothing changed since {check.image_id}")


def keep(reason: str) -> Decision:
    """Return the decision to leave the image as it is."""
    return Decision(outcome="keep", reason=reason)


def describe_stop(recipe_name: str, image_id: str | None, failures: int) -> str:
    """Return why no rebake is begun any more, and until when."""
    current = f"{image_id} stays as it is" if image_id else "there is no accepted image"
    return (
        f"{pluralize(failures, 'rebake')} of {recipe_name} in a row failed; {current}, and none is"
        " begun until a build succeeds or the recipe changes"
    )


def _list(findings: list[CauseFinding] | tuple[CauseFinding, ...]) -> str:
    return ", ".join(map(describe_cause, findings))
