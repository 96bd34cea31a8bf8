"""The calls that make something, tried in the shape in which they will be sent.

Should a cloud not heed DryRun, a launch, a group and a key pair could come of it: they come last.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from notebake.aws import account, images, tags
from notebake.machines.block_devices import disks_of_builder
from notebake.machines.launch import METADATA_OPTIONS, usable_subnets
from notebake.names import name_of_group, name_of_key_pair
from notebake.preflight.instance_types import wanted_types
from notebake.preflight.required_permissions import Permission, Thing, ask, new
from notebake.recipe import Recipe
from notebake.runs.run import Run

PUBLIC_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFoXyY9ypEZpn8BUXTmWjnMUP7Z9hVqFJqBMcOrfOQsT x"
"""Nobody has its private half; EC2 only looks at its form."""


def asks_to_make(run: Run) -> Iterator[Permission]:
    """Yield those that make something, in the shape in which they will be sent."""
    key_name = f"{name_of_key_pair(run.id, 'builder')} preflight"
    marked = tags.specifications(tags.tags_for(run, "builder"), "key-pair")
    made = ask(
        "ImportKeyPair",
        *new(run, "key-pair"),
        KeyName=key_name,
        PublicKeyMaterial=PUBLIC_KEY,
        TagSpecifications=marked,
    )
    yield replace(made, is_whole=True)
    subnets = usable_subnets(run.recipe)
    if not subnets:
        return
    vpc_id = subnets[0]["VpcId"]
    made = ask(
        "CreateSecurityGroup",
        *new(run, "security-group"),
        Thing("vpc", vpc_id),
        GroupName=f"{name_of_group(run.id)} preflight",
        Description="ssh to the machines of one notebake run",
        VpcId=vpc_id,
        TagSpecifications=tags.specifications(tags.tags_for(run, "builder"), "security-group"),
    )
    yield replace(made, is_whole=True)
    yield from launches(run, subnets)


def launches(run: Run, subnets: list[dict[str, Any]]) -> Iterator[Permission]:
    """Yield the launch of each type where it is offered, but for the group and the key."""
    recipe = run.recipe
    base = images.resolve_base_image(recipe.base_image, recipe.region)
    kinds = ("instance", "volume", "network-interface")
    copied = [Thing("snapshot", one.snapshot_id) for one in recipe.volumes if one.snapshot_id]
    places = [Thing("subnet", one["SubnetId"]) for one in subnets]
    on = (*new(run, *kinds), Thing("image", base["ImageId"]), *places, *copied)
    marked = tags.specifications(tags.tags_for(run, "builder"), *kinds)
    for instance_type in wanted_types(recipe):
        offered = account.offered_zones(instance_type, recipe.region)
        fit = [one for one in subnets if one["AvailabilityZone"] in offered]
        if not fit:
            continue
        interface = {
            "DeviceIndex": 0,
            "SubnetId": fit[0]["SubnetId"],
            "AssociatePublicIpAddress": recipe.network.address == "public",
            "DeleteOnTermination": True,
        }
        launch = ask(
            "RunInstances",
            *on,
            ImageId=base["ImageId"],
            InstanceType=instance_type,
            MinCount=1,
            MaxCount=1,
            InstanceInitiatedShutdownBehavior="terminate",
            MetadataOptions=METADATA_OPTIONS,
            NetworkInterfaces=[interface],
            BlockDeviceMappings=disks_of_builder(recipe, base["RootDeviceName"]),
            TagSpecifications=marked,
        )
        yield replace(launch, is_whole=True, is_sure=is_first(instance_type, recipe))


def is_first(instance_type: str, recipe: Recipe) -> bool:
    """Tell whether a type is asked for whatever has room."""
    return instance_type in (recipe.instance_types[:1] + recipe.acceptance.instance_types[:1])
