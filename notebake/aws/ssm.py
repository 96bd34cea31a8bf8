"""Secrets of a run in AWS's Parameter Store as SecureStrings: encrypted, tagged, never in S3.

A parameter of the Standard tier holds 4 KB and is free; an ed25519 key has 0.4 KB.
"""

import re
from typing import Any

from notebake import clock
from notebake.aws import tags
from notebake.aws.clients import calling, connect
from notebake.aws.model import Resource, Stack
from notebake.aws.names import PARAMETER_PREFIX
from notebake.aws.permissions import SURVEYS, needs
from notebake.aws.policies import DESCRIBE, S3_STORE, Statement
from notebake.errors import CloudError

ALLOWED = re.compile(r"[\w\s.:/=+@-]*")
"""What Systems Manager accepts in a tag; EC2 accepts more."""
ATTEMPTS = 6
PAUSE_SECONDS = 0.5
MAX_NAMES = 10
"""The maximum number of names in one DeleteParameters."""


def parameter_name(stack: Stack, name: str) -> str:
    """Return the name of a run's secret in the recipe's region."""
    return f"{PARAMETER_PREFIX}{stack.id}/{name}"


KEEP_KEYS = Statement(
    S3_STORE,
    "KeepKeys",
    "the private keys, as SecureStrings encrypted with the account's own key of Systems Manager",
    (f"arn:*:ssm:*:*:parameter{PARAMETER_PREFIX}*",),
    own=lambda run: [f"arn:*:ssm:*:*:parameter{parameter_name(run, '*')}"],
)


@needs("ssm:PutParameter", KEEP_KEYS)
def put_parameter(stack: Stack, name: str, value: str) -> bool:
    """Store a secret unless the name is taken; return whether it was stored.

    False may also mean that it was stored and the response was lost: read it.
    """
    try:
        with calling(f"store {parameter_name(stack, name)}"):
            connect("ssm", stack.region).put_parameter(
                Name=parameter_name(stack, name),
                Description=f"A key of notebake's run {stack.id}; its tear-down removes it",
                Value=value,
                Type="SecureString",
                Tier="Standard",
                Tags=[
                    tag for tag in tags.as_list(tags.tags_for(stack, "secret")) if _is_allowed(tag)
                ],
            )
    except CloudError as error:
        # TooManyUpdates is the response to the second of two simultaneous calls.
        if error.code in {"ParameterAlreadyExists", "TooManyUpdates"}:
            return False
        raise
    return True


@needs("ssm:GetParameter", KEEP_KEYS)
def read_parameter(stack: Stack, name: str) -> str | None:
    """Return a secret, or None."""
    try:
        with calling(f"read {parameter_name(stack, name)}"):
            answer = connect("ssm", stack.region).get_parameter(
                Name=parameter_name(stack, name), WithDecryption=True
            )
    except CloudError as error:
        if error.code == "ParameterNotFound":
            return None
        raise
    return str(answer["Parameter"]["Value"])


def keep_parameter(stack: Stack, name: str, value: str) -> str:
    """Store a secret unless there is one, and return the stored value.

    Raises:
        CloudError: AWS refused, or reports the name as taken but returns no value.
    """
    for _ in range(ATTEMPTS):
        if put_parameter(stack, name, value):
            return value
        if kept := read_parameter(stack, name):
            return kept
        clock.pause(PAUSE_SECONDS)
    raise CloudError(f"{parameter_name(stack, name)} is taken but has no value.", "Try again.")


@needs("ssm:DeleteParameters", KEEP_KEYS)
def delete_parameters(stack: Stack, names: list[str]) -> None:
    """Remove secrets of a run. May be repeated: AWS ignores missing ones."""
    ours = [parameter_name(stack, name) for name in names]
    for first in range(0, len(ours), MAX_NAMES):
        with calling(f"remove the keys of run {stack.id}"):
            connect("ssm", stack.region).delete_parameters(Names=ours[first : first + MAX_NAMES])


def _is_allowed(tag: dict[str, str]) -> bool:
    return all(ALLOWED.fullmatch(text) for text in tag.values())


@needs("ssm:DescribeParameters", DESCRIBE, only_for=SURVEYS, or_with=S3_STORE)
def list_parameters(region: str, run_id: str = "") -> list[Resource]:
    """Return our parameters in a region, or those of one run."""
    ssm = connect("ssm", region)
    start = f"{PARAMETER_PREFIX}{run_id}/" if run_id else PARAMETER_PREFIX
    wanted = [{"Key": "Name", "Option": "BeginsWith", "Values": [start]}]
    with calling(f"list the parameters in {region}"):
        pages = ssm.get_paginator("describe_parameters").paginate(ParameterFilters=wanted)
        found = [parameter for page in pages for parameter in page["Parameters"]]
        return [
            _as_resource(parameter, _tags_of(ssm, parameter["Name"]), region) for parameter in found
        ]


def remove_parameter(name: str, region: str) -> None:
    """Remove a parameter. May be repeated: AWS ignores a missing one."""
    with calling(f"remove the parameter {name}"):
        connect("ssm", region).delete_parameters(Names=[name])


@needs("ssm:AddTagsToResource", KEEP_KEYS)
def tag_parameter(name: str, marks: dict[str, str], region: str) -> None:
    """Put tags on a parameter."""
    with calling(f"tag the parameter {name}"):
        connect("ssm", region).add_tags_to_resource(
            ResourceType="Parameter", ResourceId=name, Tags=tags.as_list(marks)
        )


@needs("ssm:ListTagsForResource", KEEP_KEYS)
def _tags_of(ssm: Any, name: str) -> dict[str, str]:
    """Return a parameter's tags; empty if it has been deleted meanwhile."""
    try:
        answer = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
    except ssm.exceptions.InvalidResourceId:
        return {}
    return tags.as_dict(answer["TagList"])


def _as_resource(found: dict[str, Any], marks: dict[str, str], region: str) -> Resource:
    """Return the Resource for a parameter, whose name contains the run id."""
    name = str(found["Name"])
    return Resource(
        kind="parameter",
        id=name,
        name=name,
        run_id=name.removeprefix(PARAMETER_PREFIX).partition("/")[0],
        expires=marks.get(tags.EXPIRES, ""),
        tags=marks,
        region=region,
        made_at=found.get("LastModifiedDate"),
    )
