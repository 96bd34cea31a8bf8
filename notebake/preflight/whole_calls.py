"""The creating calls with the parameters of the real calls, for DryRun."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from notebake.aws import account, images
from notebake.aws.names import name_of_group, name_of_key_pair
from notebake.machines.block_devices import disks_of_builder
from notebake.machines.launch import interface_in, launch_parameters, usable_subnets
from notebake.preflight.instance_types import wanted_types
from notebake.recipe import Recipe
from notebake.runs.run import Run

PUBLIC_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFoXyY9ypEZpn8BUXTmWjnMUP7Z9hVqFJqBMcOrfOQsT x"
"""A valid key whose private key does not exist; EC2 checks only its format."""


class WholeCall(NamedTuple):
    """A call as it will be sent, without the tags of the created resources."""

    action: str
    parameters: Mapping[str, Any]
    starts_from: tuple[str, ...] = ()
    """The existing resources that it names, such as `subnet/subnet-01`."""
    is_sure: bool = True
    """False if the call is made only when an earlier one lacks capacity."""


def whole_calls(run: Run) -> Iterator[WholeCall]:
    """Yield the calls whose parameters are known before anything is created."""
    key_name = f"{name_of_key_pair(run.id, 'builder')} preflight"
    key = {"KeyName": key_name, "PublicKeyMaterial": PUBLIC_KEY}
    yield WholeCall("ec2:ImportKeyPair", key)
    subnets = usable_subnets(run.recipe)
    if not subnets:
        return
    vpc_id = subnets[0]["VpcId"]
    group = {
        "GroupName": f"{name_of_group(run.id)} preflight",
        "Description": "ssh to the machines of one notebake run",
        "VpcId": vpc_id,
    }
    yield WholeCall("ec2:CreateSecurityGroup", group, (f"vpc/{vpc_id}",))
    yield from launches(run.recipe, subnets)


def launches(recipe: Recipe, subnets: list[dict[str, Any]]) -> Iterator[WholeCall]:
    """Yield the launch of each type in a zone that offers it, without group and key pair."""
    base = images.resolve_base_image(recipe.start_image, recipe.region)
    disks = disks_of_builder(recipe, base["RootDeviceName"])
    machine = launch_parameters(base["ImageId"], disks)
    starts_from = (
        f"image/{base['ImageId']}",
        *(f"subnet/{subnet['SubnetId']}" for subnet in subnets),
        *(
            f"snapshot/{volume.snapshot_id}"
            for volume in recipe.start_volumes
            if volume.snapshot_id
        ),
    )
    for instance_type in wanted_types(recipe):
        offered = account.offered_zones(instance_type, recipe.region)
        fit = [subnet for subnet in subnets if subnet["AvailabilityZone"] in offered]
        if not fit:
            continue
        place = {
            "InstanceType": instance_type,
            "NetworkInterfaces": [interface_in(fit[0], recipe)],
        }
        is_sure = instance_type in (recipe.instance_types[0], *recipe.acceptance.instance_types[:1])
        yield WholeCall("ec2:RunInstances", machine | place, starts_from, is_sure)
