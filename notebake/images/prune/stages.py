"""The stages of an image that goes, each after its own days: deprecated, disabled, removed."""

import datetime
from typing import Literal, NamedTuple

from notebake.images.prune.facts import DISABLED, ImageFacts
from notebake.recipe.prune import Prune

Action = Literal["stay", "deprecate", "disable", "remove"]


class Due(NamedTuple):
    """What is done with an image now, and the one reason."""

    action: Action
    reason: str


def stay(reason: str) -> Due:
    """Return that nothing is done."""
    return Due("stay", reason)


def next_stage(image: ImageFacts, policy: Prune, now: datetime.datetime) -> Due:
    """Return the stage that is due for an image that nothing protects."""
    if image.state == DISABLED:
        return _of_disabled(image, policy, now)
    mark = image.mark
    if mark and mark.disabled_at:
        return stay(f"enabled again after a prune had disabled it on {mark.disabled_at:%Y-%m-%d}")
    if image.is_revoked:
        return Due("disable", "revoked")
    if image.deprecated_from is None:
        return Due("deprecate", _describe_age(policy))
    if image.deprecated_from > now:
        return stay(f"deprecated from {image.deprecated_from:%Y-%m-%d %H:%M} on")
    since = f"deprecated since {image.deprecated_from:%Y-%m-%d}"
    ends = image.deprecated_from + datetime.timedelta(days=policy.disable_after_days)
    if now < ends:
        return stay(f"{since}, disabled from {ends:%Y-%m-%d} on")
    return Due("disable", since)


def _of_disabled(image: ImageFacts, policy: Prune, now: datetime.datetime) -> Due:
    mark = image.mark
    if mark is None or mark.disabled_at is None:
        return stay("disabled, but not by a prune that this run store knows")
    since = f"disabled since {mark.disabled_at:%Y-%m-%d}"
    ends = mark.disabled_at + datetime.timedelta(days=policy.remove_after_days)
    if now < ends:
        return stay(f"{since}, removed from {ends:%Y-%m-%d} on")
    return Due("remove", since)


def _describe_age(policy: Prune) -> str:
    newest = "the one" if policy.keep == 1 else f"the {policy.keep}"
    return f"{policy.younger_than_days} days old or older, and not {newest} accepted last"
