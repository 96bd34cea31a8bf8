"""Every call of a build and its tear-down that changes something, as it can be tried beforehand.

A trial never names anything that is there, but for what a launch starts from: should a cloud not
heed DryRun, only a launch, a group and a key pair could come of it, and those are tried last.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from notebake.aws import facts, images, key_pairs, networks, tags
from notebake.aws.secure_parameters import parameter_name
from notebake.disks import disks_of_builder
from notebake.launch import METADATA_OPTIONS, usable_subnets
from notebake.preflight.instance_types import wanted_types
from notebake.recipe import Recipe
from notebake.records import Run
from notebake.run_store import is_remote

NOTHING = "0" * 17
INSTANCE, IMAGE, GROUP, SNAPSHOT, KEY = (
    f"{kind}-{NOTHING}" for kind in ("i", "ami", "sg", "snap", "key")
)
PUBLIC_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFoXyY9ypEZpn8BUXTmWjnMUP7Z9hVqFJqBMcOrfOQsT x"
"""Nobody has its private half; EC2 only looks at its form."""
RULE = {
    "IpProtocol": "tcp",
    "FromPort": 22,
    "ToPort": 22,
    "IpRanges": [{"CidrIp": "192.0.2.1/32"}],
}


@dataclass(frozen=True)
class Ask:
    """One permission to ask for."""

    action: str
    resource: str
    """What it acts on, as the last part of an ARN."""
    operation: str = ""
    """The call to try; empty where there is none."""
    parameters: dict[str, Any] | None = None
    is_whole: bool = False
    """Whether it is tried as it will be sent, so that each refusal is the build's own."""


def asks_about_nothing(run: Run) -> Iterator[Ask]:
    """Yield those that act on what does not exist yet: a stand-in id names nothing."""
    yield ask("DeleteKeyPair", "key-pair/*", KeyPairId=KEY)
    mark = [{"Key": tags.SEALED, "Value": tags.SEALING}]
    yield ask("CreateTags", "instance/*", Resources=[INSTANCE], Tags=mark)
    yield ask("DeleteTags", "image/*", Resources=[IMAGE], Tags=[{"Key": tags.EXPIRES}])
    yield ask(
        "AuthorizeSecurityGroupIngress", "security-group/*", GroupId=GROUP, IpPermissions=[RULE]
    )
    yield ask("RevokeSecurityGroupIngress", "security-group/*", GroupId=GROUP, IpPermissions=[RULE])
    yield ask("DeleteSecurityGroup", "security-group/*", GroupId=GROUP)
    for action in ("StopInstances", "StartInstances", "TerminateInstances"):
        yield ask(action, "instance/*", InstanceIds=[INSTANCE])
    yield ask("CreateImage", "instance/*", InstanceId=INSTANCE, Name=images.image_name(run))
    yield ask("DeregisterImage", "image/*", ImageId=IMAGE)
    yield ask("DeleteSnapshot", "snapshot/*", SnapshotId=SNAPSHOT)
    yield from asks_of_some(run.recipe)


def asks_of_some(recipe: Recipe) -> Iterator[Ask]:
    """Yield those that only some recipes need."""
    if recipe.share_with:
        users = list(recipe.share_with)
        added = {"Add": [{"UserId": one} for one in users]}
        yield ask("ModifyImageAttribute", "image/*", ImageId=IMAGE, LaunchPermission=added)
        yield ask(
            "ModifySnapshotAttribute",
            "snapshot/*",
            SnapshotId=SNAPSHOT,
            Attribute="createVolumePermission",
            OperationType="add",
            UserIds=users,
        )
    existing = [one.volume_id for one in recipe.volumes if one.volume_id]
    for volume_id in existing[:1]:
        place: dict[str, Any] = {
            "VolumeId": volume_id,
            "InstanceId": INSTANCE,
            "Device": "/dev/sdf",
        }
        yield ask("AttachVolume", f"volume/{volume_id}", **place)
        yield ask("DetachVolume", f"volume/{volume_id}", **place)


def asks_to_make(run: Run) -> Iterator[Ask]:
    """Yield those that make something, in the shape in which they will be sent."""
    key_name = f"{key_pairs.key_pair_name(run, 'builder')} preflight"
    marked = tags.specifications(tags.tags_for(run, "builder"), "key-pair")
    yield ask(
        "ImportKeyPair",
        "key-pair/*",
        is_whole=True,
        KeyName=key_name,
        PublicKeyMaterial=PUBLIC_KEY,
        TagSpecifications=marked,
    )
    subnets = usable_subnets(run.recipe)
    if not subnets:
        return
    yield ask(
        "CreateSecurityGroup",
        "security-group/*",
        is_whole=True,
        GroupName=f"{networks.group_name(run)} preflight",
        Description="ssh to the machines of one notebake run",
        VpcId=subnets[0]["VpcId"],
        TagSpecifications=tags.specifications(tags.tags_for(run, "builder"), "security-group"),
    )
    yield from launches(run, subnets)


def launches(run: Run, subnets: list[dict[str, Any]]) -> Iterator[Ask]:
    """Yield the launch of each type where it is offered, but for the group and the key."""
    recipe = run.recipe
    base = images.resolve_base_image(recipe.base_image, recipe.region)
    marked = tags.specifications(
        tags.tags_for(run, "builder"), "instance", "volume", "network-interface"
    )
    for instance_type in wanted_types(recipe):
        offered = facts.offered_zones(instance_type, recipe.region)
        fit = [one for one in subnets if one["AvailabilityZone"] in offered]
        if not fit:
            continue
        interface = {
            "DeviceIndex": 0,
            "SubnetId": fit[0]["SubnetId"],
            "AssociatePublicIpAddress": recipe.network.address == "public",
            "DeleteOnTermination": True,
        }
        yield ask(
            "RunInstances",
            "instance/*",
            is_whole=True,
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


def asks_of_others(run: Run, account: str) -> Iterator[Ask]:
    """Yield those of other services, none of which can be tried."""
    region, role = run.recipe.region, run.recipe.scheduler_role
    if role:
        partition = role.split(":")[1]
        schedule = f"arn:{partition}:scheduler:{region}:{account}:schedule/default/*"
        for verb in ("Create", "Update", "Delete"):
            yield Ask(f"scheduler:{verb}Schedule", schedule)
        yield Ask("iam:PassRole", role)
    if is_remote(run.store):
        # Where the run store is remote, the run's keys are kept in AWS's Parameter Store.
        place = f"arn:aws:ssm:{region}:{account}:parameter{parameter_name(run, '*')}"
        for name in ("PutParameter", "AddTagsToResource", "GetParameter", "DeleteParameters"):
            yield Ask(f"ssm:{name}", place)


def ask(action: str, resource: str, *, is_whole: bool = False, **parameters: Any) -> Ask:
    """Return an ask of EC2, by the name of the action."""
    words = "".join(f"_{one.lower()}" if one.isupper() else one for one in action)
    return Ask(f"ec2:{action}", resource, words.removeprefix("_"), parameters, is_whole)
