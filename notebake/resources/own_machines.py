"""The machines of a stack, found again by tag and token, and those that lost their tags by id."""

from collections.abc import Mapping
from typing import Any

from notebake.aws import tags
from notebake.aws.instances import GONE, as_instance
from notebake.aws.kinds import INSTANCE, list_kind
from notebake.aws.model import Instance
from notebake.aws.readings import BY_RUN, look
from notebake.aws.resource_record import parts_of
from notebake.aws.stack import Stack
from notebake.runs import tag_repair
from notebake.runs.attempt_store import Attempt, list_attempts
from notebake.runs.attempts import open_client_tokens


def find_instances(stack: Stack, role: str) -> list[Instance]:
    """Return the run's instances of a role that are not terminated or about to be."""
    return [one for one in find_launched(stack, role) if one.state not in GONE]


def find_launched(stack: Stack, role: str) -> list[Instance]:
    """Return the run's instances of a role in every state, terminated ones as long as shown.

    What has lost its tags is found by its kept id.
    """
    region = stack.region
    makers = tag_repair.attempts_named(stack, f"{role}-")

    def is_launched(one: dict[str, Any]) -> bool:
        # What somebody launched "like this" carries our tags, but not our token.
        told = tags.as_dict(one.get("Tags"))
        shown = told.get(tags.ROLE), told.get(tags.TOKEN)
        return shown == (role, one.get("ClientToken", "")) or one["InstanceId"] in makers

    found = look(region, INSTANCE, BY_RUN, stack.id, only=is_launched)
    for instance_id in makers.keys() - {one["InstanceId"] for one in found}:
        found = [*found, *look(region, INSTANCE, INSTANCE.id_filter, instance_id)]
    return [_with_marks(stack, one, makers) for one in found]


def find_unanswered(stack: Stack, role: str) -> list[Instance]:
    """Return what requests made whose answer was lost, found by their tokens."""
    tokens = open_client_tokens(
        one for one in list_attempts(stack) if one.name.startswith(f"{role}-")
    )
    found = list_kind(stack.region, INSTANCE, "client-token", tokens)
    return [as_instance(one) for one in found]


def _with_marks(stack: Stack, found: dict[str, Any], makers: Mapping[str, Attempt]) -> Instance:
    """Return the record of a machine, with the tags that it has lost."""
    instance = as_instance(found)
    if instance.state in GONE:
        return instance
    told = tag_repair.repair_tags(
        stack, instance.id, instance.tags, makers, parts_of(INSTANCE.name, found)
    )
    return instance.model_copy(update={"tags": told})


def find_builder(stack: Stack) -> Instance | None:
    """Return the instance on which the run's image is built."""
    found = find_instances(stack, "builder")
    return found[0] if found else None
