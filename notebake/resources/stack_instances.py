"""The instances of a stack, found by tag and client token, or by id after a loss of tags."""

from collections.abc import Mapping
from typing import Any

from notebake.aws import tags
from notebake.aws.instances import GONE, as_instance
from notebake.aws.kinds import INSTANCE, list_kind
from notebake.aws.model import Instance, Stack
from notebake.aws.resource_record import parts_of
from notebake.aws.shared_describe import BY_RUN, describe_shared
from notebake.ledger.attempt import Attempt, open_client_tokens
from notebake.runs import tag_repair
from notebake.runs.attempt_store import list_attempts


def find_instances(stack: Stack, role: str) -> list[Instance]:
    """Return the stack's instances of a role that are neither terminated nor shutting down."""
    return [instance for instance in find_launched(stack, role) if instance.state not in GONE]


def find_launched(stack: Stack, role: str) -> list[Instance]:
    """Return the stack's instances of a role in every state, also terminated ones.

    Instances that have lost their tags are found by their recorded ids.
    """
    region = stack.region
    makers = tag_repair.attempts_named(stack, f"{role}-")

    def is_launched(description: dict[str, Any]) -> bool:
        # An instance launched by "launch more like this" carries our tags, but not our token.
        shown = tags.as_dict(description.get("Tags"))
        identity = shown.get(tags.ROLE), shown.get(tags.TOKEN)
        expected = role, description.get("ClientToken", "")
        return identity == expected or description["InstanceId"] in makers

    found = describe_shared(region, INSTANCE, BY_RUN, stack.id, only=is_launched)
    for instance_id in makers.keys() - {description["InstanceId"] for description in found}:
        found = [*found, *describe_shared(region, INSTANCE, INSTANCE.id_filter, instance_id)]
    return [_with_lost_tags(stack, description, makers) for description in found]


def find_unanswered(stack: Stack, role: str) -> list[Instance]:
    """Return the instances of launches whose response was lost, found by their client tokens."""
    attempts = list_attempts(stack)
    tokens = open_client_tokens(each for each in attempts if each.name.startswith(f"{role}-"))
    found = list_kind(stack.region, INSTANCE, "client-token", tokens)
    return [as_instance(description) for description in found]


def _with_lost_tags(
    stack: Stack, description: dict[str, Any], makers: Mapping[str, Attempt]
) -> Instance:
    instance = as_instance(description)
    if instance.state in GONE:
        return instance
    repaired = tag_repair.repair_tags(
        stack, instance.id, instance.tags, makers, parts_of(INSTANCE.name, description)
    )
    return instance.model_copy(update={"tags": repaired})


def find_builder(stack: Stack) -> Instance | None:
    """Return the instance on which the image is built."""
    found = find_instances(stack, "builder")
    return found[0] if found else None
