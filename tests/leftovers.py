"""Runs that died and left things behind, and somebody else's things that look like theirs."""

from typing import Any

from notebake.aws import inventory, tagging, tags
from notebake.aws.model import Resource
from notebake.runs.run import Run
from tests.cloud_world import REGION, CloudWorld

PAST = "2026-01-01T00:00:00+00:00"
FUTURE = "2999-01-01T00:00:00+00:00"
READING = ("Describe", "Get", "List", "GET ", "HEAD ")


def resources_of(run: Run, kind: str = "") -> list[Resource]:
    """Return what is there of a run, or that of one kind."""
    found = inventory.list_resources(REGION, run.id)
    return [resource for resource in found if kind in ("", resource.kind)]


def resource_ids(found: list[Resource]) -> set[str]:
    return {resource.id for resource in found}


def expire_lease(run: Run) -> None:
    """Let the lease of all that a run has be over, as it is when nobody renews it."""
    tagging.add_tags(REGION, [resource.id for resource in resources_of(run)], {tags.EXPIRES: PAST})


def add_tags(resource_id: str, **marks: str) -> None:
    """Put one of our tags on something."""
    tagging.add_tags(
        REGION, [resource_id], {f"notebake:{key}": value for key, value in marks.items()}
    )


def launch_more_like(world: CloudWorld, run: Run) -> str:
    """Launch a machine as the console's "launch more like this" does: all tags, another token."""
    like = resources_of(run, "instance")[0]
    described = world.ec2.describe_instances(InstanceIds=[like.id])
    original: dict[str, Any] = described["Reservations"][0]["Instances"][0]
    both = ("instance", "volume", "network-interface")
    answer = world.ec2.run_instances(
        ImageId=original["ImageId"],
        InstanceType=original["InstanceType"],
        MinCount=1,
        MaxCount=1,
        KeyName=original["KeyName"],
        SecurityGroupIds=[group["GroupId"] for group in original["SecurityGroups"]],
        TagSpecifications=tags.specifications(like.tags, *both),
        ClientToken="of the console",
    )
    return str(answer["Instances"][0]["InstanceId"])


def changing_calls(world: CloudWorld) -> list[str]:
    """Return the calls so far that ask for more than an answer."""
    return [action for action in world.actions() if not action.startswith(READING)]
