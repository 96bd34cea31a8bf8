"""The tags by which everything of a run is found again."""

import datetime

from notebake import clock
from notebake.aws.stack import Stack
from notebake.timestamps import utc_from_seconds

PREFIX = "notebake:"
RUN = "notebake:run"
ROLE = "notebake:role"
RECIPE = "notebake:recipe"
EXPIRES = "notebake:expires"
LAUNCH = "notebake:launch"
NUMBER = "notebake:number"
TOKEN = "notebake:token"  # noqa: S105
"""The client token of the launch: a copy by "launch more like this" has the tag, not the token."""
BUILDER = "notebake:builder"
"""On an image and its snapshots: the instance that they were made of."""
LOST = "notebake:lost"
"""On a machine that never let anybody in: the reason. It is replaced, not waited for again."""
KEEP = "notebake:keep"
"""A person's wish, with any value: no sweep removes it."""
SEALED = "notebake:sealed"
SEALING = "sealing"
BAKED = "notebake:baked"
"""On a builder that was started again: the image that had been asked for before."""
RESTARTED = "notebake:restarted"
"""On an image whose builder came back whole from the stop: the digest of what was asked for."""
ACCEPTED = "notebake:accepted"


def tags_for(stack: Stack, role: str, **more: str) -> dict[str, str]:
    """Return all tags for something of a stack: the user's, ours, and its expiry (UTC).

    An image loses its expiry when it is accepted: from then on it is what stays.
    """
    tags = {"Name": f"notebake {stack.id}", **stack.user_tags}
    tags |= {RUN: stack.id, ROLE: role, RECIPE: stack.recipe_name}
    return tags | {EXPIRES: as_tag(ends_at(stack))} | more


def ends_at(stack: Stack) -> datetime.datetime:
    """Return when something of a stack ends that is made or renewed now."""
    return utc_from_seconds(clock.now()) + datetime.timedelta(hours=stack.lease_hours)


def is_ours(key: str) -> bool:
    """Tell whether a tag says what a thing is to its run, for as long as it is there."""
    return key.startswith(PREFIX) and key != EXPIRES


def as_tag(moment: datetime.datetime) -> str:
    """Return a moment as a tag says it; one of `ends_at` is in UTC."""
    return moment.isoformat(timespec="seconds")


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags in the shape that EC2 takes."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def as_dict(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Return tags from the shape that EC2 gives."""
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def specifications(tags: dict[str, str], *kinds: str) -> list[dict[str, object]]:
    """Return TagSpecifications that put the tags on each kind of resource."""
    return [{"ResourceType": kind, "Tags": as_list(tags)} for kind in kinds]
