"""Copies of images: when they are ready, what they take along, and when there is only one."""

from typing import Any

import pytest

from tests.conformance.world import World
from tests.ec2_actions import code_of

NO_IMAGE = "ami-0123456789abcdef0"
DATA = {
    "DeviceName": "/dev/sdf",
    "Ebs": {"VolumeSize": 2, "VolumeType": "gp3", "DeleteOnTermination": True},
}
COMPARED = ("Architecture", "BootMode", "RootDeviceName", "RootDeviceType", "VirtualizationType")


@pytest.fixture(scope="module")
def source_id(shared: World) -> str:
    """An image with a root and a data volume, and with tags, which nobody changes."""
    instance_id = shared.launch_running(BlockDeviceMappings=[DATA])
    shared.stop(instance_id)
    tags = [{"Key": "colour", "Value": "blue"}]
    specified = [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")]
    return shared.bake(instance_id, "source", TagSpecifications=specified)


def copy(world: World, source_id: str, name: str = "copied", **more: Any) -> str:
    """Begin a copy in the region of its source."""
    region = world.account.region
    parameters = {"SourceImageId": source_id, "SourceRegion": region, "Name": world.name(name)}
    return str(world.ec2.copy_image(**parameters, **more)["ImageId"])


def code_of_copy(world: World, **changes: Any) -> str:
    usual = {"SourceRegion": world.account.region, "Name": world.name("copied")}
    return code_of(world.ec2.copy_image, **{**usual, **changes})


def snapshots_of(world: World, image_id: str) -> list[str]:
    mapping = world.image(image_id)["BlockDeviceMappings"]
    return [device["Ebs"]["SnapshotId"] for device in mapping if "Ebs" in device]


def devices_of(world: World, image_id: str) -> list[dict[str, Any]]:
    """Return the mapping, without what names the snapshots."""
    mapping = world.image(image_id)["BlockDeviceMappings"]
    return [
        {**device, "Ebs": {**device["Ebs"], "SnapshotId": ""}} if "Ebs" in device else device
        for device in sorted(mapping, key=lambda device: str(device["DeviceName"]))
    ]


def test_a_copy_is_pending_before_it_is_available(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html"""
    with world.during_transition():
        image_id = copy(world, source_id)
        world.wait_until(lambda: world.image(image_id)["State"] == "pending")
        assert code_of(world.launch, ImageId=image_id) == "InvalidAMIID.Unavailable"
        share = {"LaunchPermission": {"Add": [{"UserId": world.account.id}]}}
        refused = code_of(world.ec2.modify_image_attribute, ImageId=image_id, **share)
        assert refused == "InvalidAMIID.Unavailable"
    world.wait_for_image(image_id)
    assert world.image(image_id)["State"] == "available"
    assert world.image(source_id)["State"] == "available"


def test_a_copy_is_like_its_source_and_names_it(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html"""
    image_id = copy(world, source_id)
    world.wait_for_image(image_id)
    shown, source = world.image(image_id), world.image(source_id)
    assert {name: shown.get(name) for name in COMPARED} == {
        name: source.get(name) for name in COMPARED
    }
    assert devices_of(world, image_id) == devices_of(world, source_id)
    assert not set(snapshots_of(world, image_id)) & set(snapshots_of(world, source_id))
    assert (shown["SourceImageId"], shown["SourceImageRegion"]) == (
        source_id,
        world.account.region,
    )
    assert shown["OwnerId"] == world.account.id
    assert "SourceInstanceId" not in shown


def test_the_snapshots_of_a_copy_come_from_no_volume(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html"""
    image_id = copy(world, source_id)
    world.wait_for_image(image_id)
    ids = snapshots_of(world, image_id)
    shown = world.ec2.describe_snapshots(SnapshotIds=ids)["Snapshots"]
    assert {snapshot["VolumeId"] for snapshot in shown} == {"vol-ffffffff"}
    assert {snapshot["State"] for snapshot in shown} == {"completed"}
    assert all(source_id in snapshot["Description"] for snapshot in shown)


def test_tags_are_copied_only_on_request_and_never_to_snapshots(
    world: World, source_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html"""
    plain, tagged = copy(world, source_id), copy(world, source_id, "tagged", CopyImageTags=True)
    for image_id in (plain, tagged):
        world.wait_for_image(image_id)
    assert "colour" not in world.own_tags(plain)
    assert world.own_tags(tagged)["colour"] == "blue"
    for snapshot_id in snapshots_of(world, tagged):
        assert "colour" not in world.own_tags(snapshot_id)


def test_a_copy_and_its_snapshots_are_tagged_in_the_creating_call(
    world: World, source_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html"""
    tags = [{"Key": "copy-of", "Value": source_id}]
    specified = [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")]
    image_id = copy(world, source_id, TagSpecifications=specified)
    world.wait_for_image(image_id)
    for resource_id in (image_id, *snapshots_of(world, image_id)):
        assert world.own_tags(resource_id)["copy-of"] == source_id


def test_the_same_token_asks_for_the_same_copy(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html"""
    token = world.name("token")
    first = copy(world, source_id, ClientToken=token)
    assert copy(world, source_id, ClientToken=token) == first
    refused = code_of_copy(
        world, SourceImageId=source_id, ClientToken=token, Description="another one"
    )
    assert refused == "IdempotentParameterMismatch"
    filters = [*world.mine, {"Name": "source-image-id", "Values": [source_id]}]
    world.wait_until(
        lambda: len(world.ec2.describe_images(Owners=["self"], Filters=filters)["Images"]) == 1
    )
    world.wait_for_image(first)


def test_launch_permissions_stay_with_the_source(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html"""
    friend = world.account.share_with
    world.needs(friend, "there is no other account to share with")
    shared = copy(world, source_id)
    world.wait_for_image(shared)
    add = {"Add": [{"UserId": friend}]}
    world.ec2.modify_image_attribute(ImageId=shared, LaunchPermission=add)
    image_id = copy(world, shared, "again")
    world.wait_for_image(image_id)
    asked = {"ImageId": image_id, "Attribute": "launchPermission"}
    assert world.ec2.describe_image_attribute(**asked)["LaunchPermissions"] == []


def test_a_copy_outlives_its_source(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html"""
    first = copy(world, source_id)
    world.wait_for_image(first)
    second = copy(world, first, "again")
    world.wait_for_image(second)
    world.ec2.deregister_image(ImageId=first, DeleteAssociatedSnapshots=True)
    assert world.image(second)["State"] == "available"
    assert world.launch_running(ImageId=second)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"SourceImageId": NO_IMAGE}, "InvalidAMIID.NotFound"),
        ({"SourceImageId": "ami-1"}, "InvalidAMIID.Malformed"),
        ({"Name": "no#name"}, "InvalidAMIName.Malformed"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_a_wrong_copy_is_refused(
    world: World, source_id: str, changes: dict[str, Any], code: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    assert code_of_copy(world, **{"SourceImageId": source_id, **changes}) == code


def test_a_key_is_used_only_if_the_copy_is_to_be_encrypted(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html

    "If you specify a KMS key, you must also set the encrypted state to true."
    """
    assert code_of_copy(world, SourceImageId=source_id, KmsKeyId="alias/none") != "OK"


def test_an_encrypted_copy_is_not_copied_without_encryption(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html

    With no key named it is encrypted by AWS's own key, and so it is shared with nobody:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
    """
    image_id = copy(world, source_id, Encrypted=True)
    world.wait_for_image(image_id)
    encrypted = {
        device["Ebs"]["Encrypted"]
        for device in world.image(image_id)["BlockDeviceMappings"]
        if "Ebs" in device
    }
    assert encrypted == {True}
    assert code_of_copy(world, SourceImageId=image_id, Encrypted=False) != "OK"
    again = copy(world, image_id, "again")
    world.wait_for_image(again)
    assert world.image(again)["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    world.needs(world.account.share_with, "there is no other account to share with")
    share = {"LaunchPermission": {"Add": [{"UserId": world.account.share_with}]}}
    assert code_of(world.ec2.modify_image_attribute, ImageId=image_id, **share) != "OK"


def test_a_key_that_does_not_exist_shows_only_in_the_end(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html

    "AWS authenticates the KMS key asynchronously. Therefore, if you specify an identifier that is
    not valid, the action can appear to complete, but eventually fails."
    """
    image_id = copy(world, source_id, Encrypted=True, KmsKeyId=f"alias/{world.name('none')}")
    world.wait_until(
        lambda: world.image(image_id)["State"] == "failed", world.wait_settings.image_seconds
    )
    assert world.image(image_id)["StateReason"]["Message"]
