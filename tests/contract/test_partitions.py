"""Regions of China, of GovCloud and of the others have ARNs with different prefixes."""

from datetime import timedelta

import pytest

from notebake.aws import schedules, tags
from notebake.aws.clients import connect
from notebake.aws.names import name_of_schedule
from notebake.aws.partitions import home_region, partition_of
from notebake.recipe import Recipe
from tests.cloud_world import RECIPE, CloudWorld

MACHINE = "i-00000000000000001"
PARTITIONS = {
    "us-west-2": ("aws", "us-east-1"),
    "cn-north-1": ("aws-cn", "cn-northwest-1"),
    "us-gov-east-1": ("aws-us-gov", "us-gov-west-1"),
    "eusc-de-east-1": ("aws-eusc", "eusc-de-east-1"),
    "us-iso-west-1": ("aws-iso", "us-iso-east-1"),
    "nowhere-1": ("aws", "us-east-1"),
}


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("region", PARTITIONS)
def test_each_region_maps_to_a_partition_with_an_always_enabled_region(region: str) -> None:
    assert (partition_of(region), home_region(region)) == PARTITIONS[region]


@pytest.mark.parametrize(
    "region", [partition for partition in PARTITIONS if partition != "nowhere-1"]
)
def test_a_recipe_may_name_a_region_of_every_partition(region: str) -> None:
    assert Recipe(name="ocean", region=region).region == region


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_a_schedule_calls_the_target_of_its_partition(world: CloudWorld, region: str) -> None:
    partition = partition_of(region)
    role = f"arn:{partition}:iam::123456789012:role/notebake-scheduler"
    run = world.new_run(RECIPE.model_copy(update={"region": region, "scheduler_role": role}))

    schedules.ensure_schedule(run, MACHINE, tags.ends_at(run))

    name = name_of_schedule(run.id, MACHINE)
    target = connect("scheduler", region).get_schedule(Name=name)["Target"]
    assert target["Arn"] == f"arn:{partition}:scheduler:::aws-sdk:ec2:terminateInstances"
    assert [schedule.owners for schedule in schedules.list_schedules(region)] == [(MACHINE,)]
    world.sandbox.advance(timedelta(days=1).total_seconds())
    assert "TerminateInstances" in world.actions()
