"""Images: how they are made, what is in them, and how they go."""

from typing import Any

import pytest

from tests.conformance.account import NO_ACCOUNT, NO_ORGANIZATIONS
from tests.conformance.world import World
from tests.ec2_actions import code_of

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


@pytest.fixture(scope="module")
def image_id(shared: World, source_id: str) -> str:
    """An image of that machine, which nobody changes."""
    tags = [{"Key": "run", "Value": shared.name("run")}]
    specified = [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")]
    return shared.bake(source_id, TagSpecifications=specified)


def snapshots_of(world: World, image_id: str) -> list[str]:
    mapping = world.image(image_id)["BlockDeviceMappings"]
    return [device["Ebs"]["SnapshotId"] for device in mapping if "Ebs" in device]


def states_of(world: World, snapshot_ids: list[str]) -> set[tuple[str, str]]:
    shown = world.ec2.describe_snapshots(SnapshotIds=snapshot_ids)["Snapshots"]
    return {(snapshot["State"], snapshot["Progress"]) for snapshot in shown}


def test_an_image_is_pending_with_its_snapshots_before_it_is_available(
    world: World, source_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html"""
    parameters = {"InstanceId": source_id, "Name": world.name("baked")}
    with world.during_transition():
        image_id = world.ec2.create_image(**parameters)["ImageId"]
        world.wait_until(lambda: world.image(image_id)["State"] == "pending")
        assert code_of(world.ec2.create_image, **parameters) == "InvalidAMIName.Duplicate"
        assert code_of(world.launch, ImageId=image_id) == "InvalidAMIID.Unavailable"
    world.wait_for_image(image_id)
    assert world.image(image_id)["State"] == "available"
    assert states_of(world, snapshots_of(world, image_id)) == {("completed", "100%")}
    assert world.state(source_id) == "stopped"


def test_a_complete_snapshot_says_how_much_was_written(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Snapshot.html

    FullSnapshotSizeInBytes is not the incremental size, but that of all blocks that were written.
    """
    shown = world.ec2.describe_snapshots(SnapshotIds=snapshots_of(world, image_id))["Snapshots"]
    for snapshot in shown:
        assert 0 <= snapshot["FullSnapshotSizeInBytes"] <= snapshot["VolumeSize"] * 2**30


def test_an_image_has_the_root_and_all_volumes(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html"""
    mapping = {
        device["DeviceName"]: device for device in world.image(image_id)["BlockDeviceMappings"]
    }
    assert mapping["/dev/sda1"]["Ebs"]["VolumeSize"] == 8
    assert mapping["/dev/sdf"]["Ebs"]["VolumeSize"] == 2
    assert mapping["/dev/sdf"]["Ebs"]["DeleteOnTermination"] is True
    assert mapping["/dev/sdf"]["Ebs"]["VolumeType"] == "gp3"


def test_a_volume_attached_later_is_in_the_image_and_not_deleted_with_its_users(
    world: World,
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-volume-delete.html"""
    instance_id = world.launch_running(Placement={"AvailabilityZone": world.zone})
    volume_id = world.make_volume()
    world.ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdg")
    world.wait_until(lambda: world.volume(volume_id)["Attachments"][0]["State"] == "attached")
    world.stop(instance_id)
    mapping = {
        device["DeviceName"]: device["Ebs"]["DeleteOnTermination"]
        for device in world.image(world.bake(instance_id))["BlockDeviceMappings"]
        if "Ebs" in device
    }
    assert mapping == {"/dev/sda1": True, "/dev/sdg": False}


def test_the_request_may_drop_devices_and_say_what_becomes_of_them(
    world: World, source_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html

    "The only option that can be changed for existing mappings or snapshots is
    DeleteOnTermination", and NoDevice leaves one out.
    """
    kept = {"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": False}}
    dropped = {"DeviceName": "/dev/sdf", "NoDevice": ""}
    image_id = world.bake(source_id, BlockDeviceMappings=[kept, dropped])
    mapping = [device for device in world.image(image_id)["BlockDeviceMappings"] if "Ebs" in device]
    assert [(device["DeviceName"], device["Ebs"]["DeleteOnTermination"]) for device in mapping] == [
        ("/dev/sda1", False)
    ]


@pytest.mark.parametrize("size_gib", [4, 20])
def test_the_size_of_a_disk_cannot_be_changed_in_its_image(
    world: World, source_id: str, size_gib: int
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html"""
    other = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": size_gib}}
    parameters = {
        "InstanceId": source_id,
        "Name": world.name("baked"),
        "BlockDeviceMappings": [other],
    }
    assert code_of(world.ec2.create_image, **parameters) == "InvalidBlockDeviceMapping"


def test_a_machine_from_an_image_has_its_root_and_its_data(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-device-mapping-concepts.html"""
    instance_id = world.launch_running(ImageId=image_id)
    assert world.instance(instance_id)["ImageId"] == image_id
    assert {volume["SnapshotId"] for volume in world.volumes()} == set(
        snapshots_of(world, image_id)
    )
    assert sorted(volume["Size"] for volume in world.volumes()) == [2, 8]
    small = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1}}
    answer = code_of(world.launch, ImageId=image_id, BlockDeviceMappings=[small])
    assert answer == "InvalidBlockDeviceMapping"


def test_a_name_is_taken_until_its_image_is_deregistered_with_its_snapshots(
    world: World, source_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html"""
    image_id = world.bake(source_id)
    ids = snapshots_of(world, image_id)
    again = {"InstanceId": source_id, "Name": world.name("baked")}
    assert code_of(world.ec2.create_image, **again) == "InvalidAMIName.Duplicate"
    answer = world.ec2.deregister_image(ImageId=image_id, DeleteAssociatedSnapshots=True)
    results = {
        result["SnapshotId"]: result["ReturnCode"] for result in answer["DeleteSnapshotResults"]
    }
    assert results == dict.fromkeys(ids, "success")
    assert code_of(world.launch, ImageId=image_id) == "InvalidAMIID.Unavailable"
    assert code_of(world.ec2.deregister_image, ImageId=image_id) == "InvalidAMIID.Unavailable"
    own = {"OwnerIds": ["self"], "Filters": world.mine}
    world.wait_until(lambda: world.ec2.describe_snapshots(**own)["Snapshots"] == [])
    assert code_of(world.ec2.create_image, **again) == "OK"


def test_image_and_snapshots_are_tagged_in_the_creating_call(
    world: World, shared: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html"""
    filters = [{"Name": "tag:run", "Values": [shared.name("run")]}]
    found = world.ec2.describe_images(Owners=["self"], Filters=filters)["Images"]
    assert [image["ImageId"] for image in found] == [image_id]
    snapshots = world.ec2.describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    assert {snapshot["SnapshotId"] for snapshot in snapshots} == set(snapshots_of(world, image_id))


def test_an_image_carries_its_lineage(world: World, source_id: str, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html"""
    shown = world.image(image_id)
    assert shown["SourceInstanceId"] == source_id
    assert shown["SourceImageId"] == world.image_id
    assert shown["OwnerId"] == world.account.id
    assert shown["ImdsSupport"] == "v2.0"
    assert shown["EnaSupport"] is True
    assert shown["CreationDate"].endswith("Z")


def test_an_image_of_a_running_machine_leaves_it_running(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html (NoReboot)"""
    instance_id = world.launch_running()
    assert world.image(world.bake(instance_id, NoReboot=True))["State"] == "available"
    assert world.state(instance_id) == "running"


def test_an_image_of_a_machine_that_is_gone_is_refused(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html"""
    instance_id = world.launch_running()
    world.terminate(instance_id)
    wanted = {"InstanceId": instance_id, "Name": world.name("baked")}
    assert code_of(world.ec2.create_image, **wanted) == "InvalidParameterValue"


def test_a_snapshot_of_an_image_stays_as_long_as_the_image(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSnapshot.html"""
    for snapshot_id in snapshots_of(world, image_id):
        refused = code_of(world.ec2.delete_snapshot, SnapshotId=snapshot_id)
        assert refused == "InvalidSnapshot.InUse"


def test_an_image_keeps_the_mapping_of_the_instance_store(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-volumes.html"""
    instance_id = world.launch_running(InstanceType="m5d.large")
    world.stop(instance_id)
    mapping = world.image(world.bake(instance_id))["BlockDeviceMappings"]
    assert [device["VirtualName"] for device in mapping if "VirtualName" in device] == [
        "ephemeral0"
    ]


def test_another_owners_image_cannot_be_changed(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (AuthFailure)"""
    assert code_of(world.ec2.deregister_image, ImageId=world.image_id) == "AuthFailure"


def permissions(world: World, image_id: str) -> Any:
    parameters = {"ImageId": image_id, "Attribute": "launchPermission"}
    return world.ec2.describe_image_attribute(**parameters)["LaunchPermissions"]


def test_an_image_is_shared_and_unshared(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html"""
    world.needs(world.account.share_with, "there is no other account to share with")
    image_id = world.bake(source_id)
    friend = [{"UserId": world.account.share_with}]
    for _ in range(2):
        world.ec2.modify_image_attribute(ImageId=image_id, LaunchPermission={"Add": friend})
    assert permissions(world, image_id) == friend
    world.ec2.modify_image_attribute(ImageId=image_id, LaunchPermission={"Remove": friend})
    assert permissions(world, image_id) == []


def test_an_image_is_shared_with_accounts_only(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    nobody = {"Add": [{"UserId": NO_ACCOUNT}]}
    answer = code_of(world.ec2.modify_image_attribute, ImageId=image_id, LaunchPermission=nobody)
    assert answer == "InvalidAMIAttributeItemValue"


@pytest.mark.parametrize("kind", ["OrganizationArn", "OrganizationalUnitArn"])
@pytest.mark.parametrize("arn", NO_ORGANIZATIONS)
def test_an_organization_is_named_by_its_whole_arn(
    world: World, image_id: str, kind: str, arn: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html"""
    add = {"Add": [{kind: arn}]}
    answer = code_of(world.ec2.modify_image_attribute, ImageId=image_id, LaunchPermission=add)
    assert answer == "InvalidAMIAttributeItemValue"


def test_an_image_is_shared_with_an_organization_and_a_unit(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html"""
    world.needs(world.account.is_ours, "it would be shared with strangers")
    place = "arn:aws:organizations::210987654321"
    whole = {"OrganizationArn": f"{place}:organization/o-1234567890"}
    unit = {"OrganizationalUnitArn": f"{place}:ou/o-1234567890/ou-ab12-12345678"}
    image_id = world.bake(source_id)
    for _ in range(2):
        world.ec2.modify_image_attribute(ImageId=image_id, LaunchPermission={"Add": [whole, unit]})
    assert permissions(world, image_id) == [whole, unit]
    older = {"OrganizationalUnitArns": [unit["OrganizationalUnitArn"]], "OperationType": "remove"}
    world.ec2.modify_image_attribute(ImageId=image_id, Attribute="launchPermission", **older)
    assert permissions(world, image_id) == [whole]


def test_an_image_that_is_still_pending_is_shared_with_nobody(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    with world.during_transition():
        request = {"InstanceId": source_id, "Name": world.name("baked")}
        image_id = world.ec2.create_image(**request)["ImageId"]
        world.wait_until(lambda: world.image(image_id)["State"] == "pending")
        add = {"Add": [{"UserId": world.account.id}]}
        answer = code_of(world.ec2.modify_image_attribute, ImageId=image_id, LaunchPermission=add)
        assert answer == "InvalidAMIID.Unavailable"
    world.wait_for_image(image_id)


def test_the_description_of_an_image_can_be_set(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html"""
    world.ec2.modify_image_attribute(ImageId=image_id, Description={"Value": "better"})
    world.wait_until(lambda: world.image(image_id).get("Description") == "better")
