"""What another account sees of an image that is shared with it, what it may do, and the rest."""

from typing import Any

import pytest

from tests.conformance.world import World
from tests.ec2_actions import PUBLIC_KEY, code_of

COLOUR = [{"Key": "colour", "Value": "blue"}]
DATA = {
    "DeviceName": "/dev/sdf",
    "Ebs": {"VolumeSize": 2, "VolumeType": "gp3", "DeleteOnTermination": True},
}


@pytest.fixture(scope="module")
def source_id(shared: World) -> str:
    """A stopped machine with a root and a data volume, which nobody changes."""
    instance_id = shared.launch_running(BlockDeviceMappings=[DATA])
    shared.stop(instance_id)
    return instance_id


@pytest.fixture
def image_id(world: World, source_id: str) -> str:
    """An image of that machine, with tags, which is shared with nobody yet."""
    specified = [{"ResourceType": kind, "Tags": COLOUR} for kind in ("image", "snapshot")]
    return world.bake(source_id, TagSpecifications=specified)


def share(world: World, friend: World, image_id: str) -> None:
    """Share an image with the friend, and wait until it sees it."""
    add = {"Add": [{"UserId": friend.account.id}]}
    world.ec2.modify_image_attribute(ImageId=image_id, LaunchPermission=add)
    world.wait_until(lambda: bool(friend.image(image_id)))


def snapshots_of(world: World, image_id: str) -> list[str]:
    mapping = world.image(image_id)["BlockDeviceMappings"]
    return [device["Ebs"]["SnapshotId"] for device in mapping if "Ebs" in device]


def listed(world: World, **asked: Any) -> list[str]:
    return [image["ImageId"] for image in world.ec2.describe_images(**asked)["Images"]]


def code_of_look(world: World, image_id: str) -> str:
    return code_of(world.ec2.describe_images, ImageIds=[image_id])


def test_an_image_is_shown_to_another_account_only_while_it_is_shared(
    world: World, friend: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html

    "The images available to you include public images, private images that you own, and private
    images owned by other AWS accounts for which you have explicit launch permissions."
    """
    friend.expects_refusals_of(image_id)
    assert code_of_look(friend, image_id) == "InvalidAMIID.NotFound"
    assert code_of(friend.launch, ImageId=image_id) == "InvalidAMIID.NotFound"
    share(world, friend, image_id)
    kept = friend.launch_running(ImageId=image_id)
    remove = {"Remove": [{"UserId": friend.account.id}]}
    world.ec2.modify_image_attribute(ImageId=image_id, LaunchPermission=remove)
    world.wait_until(lambda: code_of_look(friend, image_id) == "InvalidAMIID.NotFound")
    assert code_of(friend.launch, ImageId=image_id) == "InvalidAMIID.NotFound"
    assert friend.state(kept) == "running", "what was launched from it goes on"


def test_a_shared_image_names_its_owner_and_not_its_owners_tags(
    world: World, friend: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html

    "When you share an AMI, your user-defined tags are not available to any AWS account that the
    AMI is shared with."
    """
    share(world, friend, image_id)
    shown, owners = friend.image(image_id), world.image(image_id)
    assert (shown["OwnerId"], shown["Public"]) == (world.account.id, False)
    assert "Tags" not in shown
    assert COLOUR[0] in owners["Tags"]
    assert (shown["Name"], shown["BlockDeviceMappings"]) == (
        owners["Name"],
        owners["BlockDeviceMappings"],
    )
    by_tag = [{"Name": "tag:colour", "Values": ["blue"]}]
    assert image_id not in listed(friend, Owners=[world.account.id], Filters=by_tag)
    by_id = [{"Name": "resource-id", "Values": [image_id]}]
    assert friend.ec2.describe_tags(Filters=by_id)["Tags"] == []


def test_each_account_has_tags_of_its_own_on_a_shared_image(
    world: World, friend: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html

    "You can tag public or shared resources, but the tags that you assign are available only to
    your AWS account and not to the other accounts sharing the resource."
    """
    share(world, friend, image_id)
    friend.expects_refusals_of(image_id)
    friend.ec2.create_tags(Resources=[image_id], Tags=[{"Key": "colour", "Value": "red"}])
    friend.wait_until(lambda: friend.own_tags(image_id) == {"colour": "red"})
    assert world.own_tags(image_id)["colour"] == "blue"
    friend.ec2.delete_tags(Resources=[image_id], Tags=[{"Key": "colour"}])
    assert world.own_tags(image_id)["colour"] == "blue"


def test_tags_with_the_prefix_of_shared_tags_are_shown(
    world: World, friend: World, image_id: str
) -> None:
    """https://aws.amazon.com/blogs/compute/introducing-ec2-ami-tag-sharing-share-ec2-tags-across-aws-accounts/"""
    told = {"Key": "ec2:SharedTag/colour", "Value": "green"}
    world.ec2.create_tags(Resources=[image_id], Tags=[told])
    share(world, friend, image_id)
    friend.wait_until(lambda: friend.image(image_id).get("Tags") == [told])


def test_images_are_looked_for_by_owner_and_by_who_may_launch_them(
    world: World, friend: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html

    ExecutableBy: "If you specify self or your own AWS account ID, AMIs shared with your account are
    returned"; Owner: "You can specify self, AWS account IDs, AWS owner aliases".
    """
    owner = world.account.id
    assert image_id not in listed(friend, Owners=[owner])
    assert image_id in listed(world, Owners=["self"])
    share(world, friend, image_id)
    for asked in (
        {"ExecutableUsers": ["self"]},
        {"ExecutableUsers": [friend.account.id]},
        {"Owners": [owner]},
        {"Owners": [owner], "Filters": [{"Name": "is-public", "Values": ["false"]}]},
    ):
        assert image_id in listed(friend, **asked), asked
    for asked in (
        {"Owners": ["self"]},
        {"Owners": ["amazon"], "Filters": [{"Name": "image-id", "Values": [image_id]}]},
        {"Owners": [owner], "Filters": [{"Name": "is-public", "Values": ["true"]}]},
        {"Owners": [owner], "ExecutableUsers": ["all"]},
    ):
        assert image_id not in listed(friend, **asked), asked
    # The owner may launch it without an explicit permission.
    assert image_id not in listed(world, Owners=["self"], ExecutableUsers=["self"])


def test_a_public_image_is_shown_to_everybody(world: World, friend: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-intro.html"""
    world.needs(world.account.is_ours, "it would be public")
    add = {"Add": [{"Group": "all"}]}
    world.ec2.modify_image_attribute(ImageId=image_id, LaunchPermission=add)
    assert friend.image(image_id)["Public"] is True
    assert image_id in listed(friend, ExecutableUsers=["all"], Owners=[world.account.id])
    assert image_id not in listed(friend, ExecutableUsers=["self"])
    assert friend.launch_running(ImageId=image_id)


def test_a_shared_image_is_launched_with_all_its_disks_and_its_snapshots_are_not_shown(
    world: World, friend: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html

    "You do not need to share the Amazon EBS snapshots that an AMI references in order to share the
    AMI. [...] the system provides the instance access to the referenced EBS snapshots for the
    launch."
    """
    share(world, friend, image_id)
    ids = snapshots_of(world, image_id)
    instance_id = friend.launch_running(ImageId=image_id)
    assert friend.instance(instance_id)["ImageId"] == image_id
    assert {volume["SnapshotId"] for volume in friend.volumes()} == set(ids)
    assert sorted(volume["Size"] for volume in friend.volumes()) == [2, 8]
    for snapshot_id in ids:
        look = code_of(friend.ec2.describe_snapshots, SnapshotIds=[snapshot_id])
        assert look == "InvalidSnapshot.NotFound"
        disk = {"AvailabilityZone": friend.zone, "SnapshotId": snapshot_id}
        assert code_of(friend.ec2.create_volume, **disk) == "InvalidSnapshot.NotFound"
    shown = friend.ec2.describe_snapshots(OwnerIds=[world.account.id])["Snapshots"]
    assert not {snapshot["SnapshotId"] for snapshot in shown} & set(ids)


def test_a_snapshot_is_shared_by_itself(world: World, friend: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html"""
    share(world, friend, image_id)
    root, data = snapshots_of(world, image_id)
    add = {"Add": [{"UserId": friend.account.id}]}
    world.ec2.modify_snapshot_attribute(SnapshotId=data, CreateVolumePermission=add)
    friend.expects_refusals_of(data)
    friend.wait_until(lambda: code_of(friend.ec2.describe_snapshots, SnapshotIds=[data]) == "OK")
    (shown,) = friend.ec2.describe_snapshots(SnapshotIds=[data])["Snapshots"]
    assert (shown["OwnerId"], shown.get("Tags", [])) == (world.account.id, [])
    assert friend.make_volume(SnapshotId=data, Size=2)
    assert code_of(friend.ec2.delete_snapshot, SnapshotId=data) != "OK"
    look = code_of(friend.ec2.describe_snapshots, SnapshotIds=[root])
    assert look == "InvalidSnapshot.NotFound"


def test_a_shared_image_is_changed_by_its_owner_alone(
    world: World, friend: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html

    "When you share an AMI, users can only launch instances from the AMI. They can't delete, share,
    or modify it."
    """
    share(world, friend, image_id)
    friend.expects_refusals_of(image_id)
    share_again = {"LaunchPermission": {"Add": [{"UserId": friend.account.id}]}}
    tries = {
        "deregister": code_of(friend.ec2.deregister_image, ImageId=image_id),
        "share": code_of(friend.ec2.modify_image_attribute, ImageId=image_id, **share_again),
        "describe": code_of(
            friend.ec2.modify_image_attribute, ImageId=image_id, Description={"Value": "mine"}
        ),
        "disable": code_of(friend.ec2.disable_image, ImageId=image_id),
        "protect": code_of(friend.ec2.enable_image_deregistration_protection, ImageId=image_id),
    }
    assert tries == dict.fromkeys(tries, "AuthFailure")
    assert friend.image(image_id)["State"] == "available"
    assert world.image(image_id).get("Description") != "mine"


def test_a_shared_image_is_copied_only_with_its_snapshots(
    world: World, friend: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/copy-ami-permissions.html"""
    share(world, friend, image_id)
    asked = {"SourceImageId": image_id, "SourceRegion": friend.account.region}
    refused = code_of(friend.ec2.copy_image, Name=friend.name("copied"), **asked)
    assert refused == "InvalidRequest"
    add = {"Add": [{"UserId": friend.account.id}]}
    for snapshot_id in snapshots_of(world, image_id):
        world.ec2.modify_snapshot_attribute(SnapshotId=snapshot_id, CreateVolumePermission=add)
    copy_id = friend.ec2.copy_image(Name=friend.name("copied"), **asked)["ImageId"]
    friend.wait_for_image(copy_id)
    assert friend.image(copy_id)["OwnerId"] == friend.account.id
    world.expects_refusals_of(copy_id)
    assert code_of_look(world, copy_id) == "InvalidAMIID.NotFound"
    assert friend.launch_running(ImageId=copy_id)


def test_an_image_of_a_machine_from_a_shared_image_belongs_to_who_made_it(
    world: World, friend: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html

    A name is taken in one account: the other one may have it as well.
    """
    share(world, friend, image_id)
    instance_id = friend.launch_running(ImageId=image_id)
    friend.stop(instance_id)
    name = world.image(image_id)["Name"]
    made = friend.ec2.create_image(InstanceId=instance_id, Name=name)["ImageId"]
    friend.wait_for_image(made)
    shown = friend.image(made)
    assert (shown["OwnerId"], shown["SourceImageId"]) == (friend.account.id, image_id)
    assert code_of_look(world, made) == "InvalidAMIID.NotFound"


def test_nothing_but_the_image_is_shown_to_another_account(
    world: World, friend: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (NotFound)"""
    share(world, friend, image_id)
    instance_id = world.launch_running()
    (volume_id,) = [volume["VolumeId"] for volume in world.volumes()]
    group_id = world.ec2.create_security_group(
        GroupName=world.name("group"), Description="of the owner"
    )["GroupId"]
    world.ec2.import_key_pair(KeyName=world.name("key"), PublicKeyMaterial=PUBLIC_KEY)
    ec2 = friend.ec2
    assert (
        code_of(ec2.describe_instances, InstanceIds=[instance_id]) == "InvalidInstanceID.NotFound"
    )
    assert code_of(ec2.get_console_output, InstanceId=instance_id) == "InvalidInstanceID.NotFound"
    assert code_of(ec2.describe_volumes, VolumeIds=[volume_id]) == "InvalidVolume.NotFound"
    assert code_of(ec2.describe_security_groups, GroupIds=[group_id]) == "InvalidGroup.NotFound"
    key = {"KeyNames": [world.name("key")]}
    assert code_of(ec2.describe_key_pairs, **key) == "InvalidKeyPair.NotFound"
    everything = str(
        [
            ec2.describe_instances()["Reservations"],
            ec2.describe_volumes()["Volumes"],
            ec2.describe_security_groups()["SecurityGroups"],
            ec2.describe_network_interfaces()["NetworkInterfaces"],
            ec2.describe_tags()["Tags"],
        ]
    )
    for resource_id in (instance_id, volume_id, group_id, world.account.id):
        assert resource_id not in everything
