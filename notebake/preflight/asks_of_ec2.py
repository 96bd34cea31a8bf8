"""Every call to EC2 of a build and its tear-down that acts on what does not exist yet.

A trial names a stand-in, an id of nothing: it could end or change nothing that is there.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from notebake.aws import tags
from notebake.names import name_of_image
from notebake.preflight.required_permissions import (
    EVERYTHING,
    Permission,
    Thing,
    ask,
    getting,
    new,
    ours,
)
from notebake.runs.run import Run

NOTHING = "0" * 17
INSTANCE, IMAGE, GROUP, SNAPSHOT, KEY, VOLUME, INTERFACE = (
    f"{kind}-{NOTHING}" for kind in ("i", "ami", "sg", "snap", "key", "vol", "eni")
)
RULE = {
    "IpProtocol": "tcp",
    "FromPort": 22,
    "ToPort": 22,
    "IpRanges": [{"CidrIp": "192.0.2.1/32"}],
}
LOOKS = (
    *("DescribeInstances", "DescribeKeyPairs", "DescribeNetworkInterfaces"),
    *("DescribeSecurityGroups", "DescribeSnapshots", "DescribeVolumes"),
)
"""What the steps and the tear-down look at, and the other checks need not."""
SWEEP = "`notebake sweep`"


def asks_about_nothing(run: Run) -> Iterator[Permission]:
    """Yield those that every build needs, and those that only some do."""
    (instance,), (group,) = ours(run, "instance"), ours(run, "security-group")
    yield ask("DeleteKeyPair", *ours(run, "key-pair"), KeyPairId=KEY)
    for action in LOOKS:
        yield ask(action, EVERYTHING)
    yield from asks_to_tag(run)
    for action in ("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"):
        yield ask(action, group, GroupId=GROUP, IpPermissions=[RULE])
    yield ask("DeleteSecurityGroup", group, GroupId=GROUP)
    for action in ("StopInstances", "StartInstances", "TerminateInstances"):
        yield ask(action, instance, InstanceIds=[INSTANCE])
    yield ask("GetConsoleOutput", instance, InstanceId=INSTANCE)
    yield ask(
        "CreateImage",
        instance,
        *new(run, "image", "snapshot"),
        InstanceId=INSTANCE,
        Name=name_of_image(run.id),
        TagSpecifications=tags.specifications(tags.tags_for(run, "image"), "image", "snapshot"),
    )
    yield ask("DeregisterImage", *ours(run, "image"), ImageId=IMAGE)
    yield ask("DeleteSnapshot", *ours(run, "snapshot"), SnapshotId=SNAPSHOT)
    yield from asks_to_share(run)
    yield from asks_to_attach(run)
    yield from asks_to_sweep(run)


def asks_to_tag(run: Run) -> Iterator[Permission]:
    """Yield those to tag what is there, and to take the expiry off what stays."""
    yield ask_to_tag(tags.SEALED, ours(run, "instance"), [INSTANCE])
    baked, ids = ours(run, "image", "snapshot"), [IMAGE, SNAPSHOT]
    yield replace(ask_to_tag(tags.ACCEPTED, baked, ids), called="ec2:CreateTags on images")
    lasting = ours(run, "key-pair", "network-interface", "security-group", "volume")
    renewed = ask_to_tag(tags.EXPIRES, lasting, [KEY, INTERFACE, GROUP, VOLUME])
    yield replace(renewed, called="ec2:CreateTags on all that is temporary")
    freed = getting(baked, tags.EXPIRES)
    yield ask("DeleteTags", *freed, Resources=ids, Tags=[{"Key": tags.EXPIRES}])


def ask_to_tag(key: str, things: tuple[Thing, ...], ids: list[str]) -> Permission:
    """Return the ask to put one tag on things that are there."""
    marks = [{"Key": key, "Value": ""}]
    return ask("CreateTags", *getting(things, key), Resources=ids, Tags=marks)


def asks_to_share(run: Run) -> Iterator[Permission]:
    """Yield those that a recipe needs which shares its image."""
    if not run.recipe.share_with:
        return
    (image,), users = ours(run, "image"), list(run.recipe.share_with)
    yield ask("DescribeImageAttribute", image, ImageId=IMAGE, Attribute="launchPermission")
    added = {"Add": [{"UserId": one} for one in users]}
    yield ask("ModifyImageAttribute", image, ImageId=IMAGE, LaunchPermission=added)
    yield ask(
        "ModifySnapshotAttribute",
        *ours(run, "snapshot"),
        SnapshotId=SNAPSHOT,
        Attribute="createVolumePermission",
        OperationType="add",
        UserIds=users,
    )


def asks_to_attach(run: Run) -> Iterator[Permission]:
    """Yield those that a recipe needs which names volumes that exist already."""
    existing = [one.volume_id for one in run.recipe.volumes if one.volume_id]
    if not existing:
        return
    on = (*ours(run, "instance"), *(Thing("volume", one) for one in existing))
    place: dict[str, Any] = {"VolumeId": existing[0], "InstanceId": INSTANCE, "Device": "/dev/sdf"}
    yield ask("AttachVolume", *on, **place)
    yield ask("DetachVolume", *on, **place)


def asks_to_sweep(run: Run) -> Iterator[Permission]:
    """Yield those to remove what lost its machine, which no build ever does."""
    (volume,), (interface,) = ours(run, "volume"), ours(run, "network-interface")
    yield replace(ask("DeleteVolume", volume, VolumeId=VOLUME), only_for=SWEEP)
    removed = ask("DeleteNetworkInterface", interface, NetworkInterfaceId=INTERFACE)
    yield replace(removed, only_for=SWEEP)
