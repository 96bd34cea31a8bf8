from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.api.conftest import UBUNTU, World, client, code_of
from tests.strict_cloud import strict_cloud_opened

OTHER_ACCOUNT = "210987654321"
DATA = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 2, "DeleteOnTermination": True}}


def launch_with_data(world: World, **more: Any) -> str:
    instance_id = world.launch_running(BlockDeviceMappings=[DATA], **more)
    world.stop(instance_id)
    return instance_id


def snapshots_of(world: World, image_id: str) -> list[str]:
    mapping = world.image(image_id)["BlockDeviceMappings"]
    return [one["Ebs"]["SnapshotId"] for one in mapping if "Ebs" in one]


def test_an_image_is_pending_with_its_snapshots_before_it_is_available(world: World) -> None:
    instance_id = launch_with_data(world)
    with world.machines.held():
        image_id = world.ec2.create_image(InstanceId=instance_id, Name="baked")["ImageId"]
        assert world.image(image_id)["State"] == "pending"
        ids = snapshots_of(world, image_id)
        pending = world.ec2.describe_snapshots(SnapshotIds=ids)["Snapshots"]
        assert {one["State"] for one in pending} == {"pending"}
        assert code_of(world.launch, ImageId=image_id) == "InvalidAMIID.Unavailable"
    world.wait_until(lambda: world.image(image_id)["State"] == "available")
    done = world.ec2.describe_snapshots(SnapshotIds=ids)["Snapshots"]
    assert {(one["State"], one["Progress"]) for one in done} == {("completed", "100%")}
    assert world.state(instance_id) == "stopped"


def test_an_image_has_the_root_all_volumes_and_the_instance_store(world: World) -> None:
    image_id = world.bake(launch_with_data(world, InstanceType="m5d.large"))
    mapping = {one["DeviceName"]: one for one in world.image(image_id)["BlockDeviceMappings"]}
    assert mapping["/dev/sda1"]["Ebs"]["VolumeSize"] == 8
    assert mapping["/dev/sdf"]["Ebs"]["VolumeSize"] == 2
    assert mapping["/dev/sdf"]["Ebs"]["DeleteOnTermination"] is True
    assert mapping["/dev/sdb"]["VirtualName"] == "ephemeral0"


def test_a_volume_attached_later_is_in_the_image_and_not_deleted_with_its_users(
    world: World,
) -> None:
    instance_id, volume_id = world.launch_running(), world.make_volume()
    world.ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdg")
    world.stop(instance_id)
    mapping = world.image(world.bake(instance_id))["BlockDeviceMappings"]
    assert [(one["DeviceName"], one["Ebs"]["DeleteOnTermination"]) for one in mapping] == [
        ("/dev/sda1", True),
        ("/dev/sdg", False),
    ]


def test_the_request_may_drop_and_alter_devices(world: World) -> None:
    kept = {"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": False, "VolumeSize": 20}}
    dropped = {"DeviceName": "/dev/sdf", "NoDevice": ""}
    image_id = world.bake(launch_with_data(world), BlockDeviceMappings=[kept, dropped])
    mapping = world.image(image_id)["BlockDeviceMappings"]
    assert len(mapping) == 1
    assert mapping[0]["Ebs"]["VolumeSize"] == 20
    assert mapping[0]["Ebs"]["DeleteOnTermination"] is False


def test_a_machine_from_an_image_has_its_root_and_its_data(world: World) -> None:
    first = launch_with_data(world)
    image_id = world.bake(first)
    source = world.instance(first)["BlockDeviceMappings"][1]["Ebs"]["VolumeId"]
    second = world.launch_running(ImageId=image_id)
    copy = world.instance(second)["BlockDeviceMappings"][1]["Ebs"]["VolumeId"]
    assert world.machines.roots[second] == image_id
    assert world.machines.volumes[copy] == source
    assert world.machines.attached[copy] == second
    small = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1}}
    answer = code_of(world.launch, ImageId=image_id, BlockDeviceMappings=[small])
    assert answer == "InvalidBlockDeviceMapping"


def test_a_name_is_taken_until_its_image_is_deregistered(world: World) -> None:
    instance_id = launch_with_data(world)
    image_id = world.bake(instance_id)
    again = {"InstanceId": instance_id, "Name": "baked"}
    assert code_of(world.ec2.create_image, **again) == "InvalidAMIName.Duplicate"
    world.ec2.deregister_image(ImageId=image_id)
    assert code_of(world.ec2.create_image, **again) == "OK"


def test_image_and_snapshots_are_tagged_in_the_creating_call(world: World) -> None:
    tags = [{"Key": "run", "Value": "r1"}]
    specified = [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")]
    image_id = world.bake(launch_with_data(world), TagSpecifications=specified)
    filters = [{"Name": "tag:run", "Values": ["r1"]}]
    found = world.ec2.describe_images(Owners=["self"], Filters=filters)["Images"]
    assert [one["ImageId"] for one in found] == [image_id]
    snapshots = world.ec2.describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    assert sorted(one["SnapshotId"] for one in snapshots) == sorted(snapshots_of(world, image_id))


def test_an_image_carries_its_lineage(world: World) -> None:
    instance_id = launch_with_data(world)
    shown = world.image(world.bake(instance_id))
    assert shown["SourceInstanceId"] == instance_id
    assert shown["SourceImageId"] == UBUNTU
    assert shown["ImdsSupport"] == "v2.0"
    assert shown["EnaSupport"] is True
    assert shown["CreationDate"].endswith("Z")


def test_only_own_images_are_listed_as_own(world: World) -> None:
    assert world.ec2.describe_images(Owners=["self"])["Images"] == []
    image_id = world.bake(launch_with_data(world))
    own = world.ec2.describe_images(Owners=["self"])["Images"]
    assert [one["ImageId"] for one in own] == [image_id]
    canonical = world.ec2.describe_images(
        Owners=["099720109477"],
        Filters=[{"Name": "name", "Values": ["ubuntu/images/*24.04-amd64-server-*"]}],
    )["Images"]
    assert [one["ImageId"] for one in canonical] == [UBUNTU]


def test_without_no_reboot_a_running_machine_is_rebooted(world: World) -> None:
    instance_id = world.launch_running()
    world.bake(instance_id)
    assert world.state(instance_id) == "running"
    assert world.machines.asked.count(("boot", instance_id)) == 2
    assert world.machines.running() == [instance_id]


def test_with_no_reboot_a_running_machine_is_held_still_and_goes_on(world: World) -> None:
    instance_id = world.launch_running(BlockDeviceMappings=[DATA])
    image_id = world.bake(instance_id, NoReboot=True)
    assert world.image(image_id)["State"] == "available"
    work = [words[0] for words in world.machines.asked]
    assert work[-3:] == ["frozen", "bake_image", "create_snapshot"]
    assert world.machines.running() == [instance_id]
    assert world.machines.still == set()


def test_a_machine_stopped_while_its_image_is_made_ends_stopped(world: World) -> None:
    instance_id = world.launch_running()
    with world.machines.held():
        image_id = world.ec2.create_image(InstanceId=instance_id, Name="baked")["ImageId"]
        world.ec2.stop_instances(InstanceIds=[instance_id])
    world.wait_until(lambda: world.image(image_id)["State"] == "available")
    world.wait_for_state(instance_id, "stopped")
    assert world.machines.running() == []


def test_what_the_sandbox_cannot_do_it_refuses(world: World) -> None:
    copy = {"SourceImageId": UBUNTU, "SourceRegion": "us-west-2", "Name": "copied"}
    assert code_of(world.ec2.copy_image, **copy) == "UnsupportedOperation"


def test_an_image_of_a_machine_that_is_gone_is_refused(world: World) -> None:
    instance_id = world.launch_running()
    world.terminate(instance_id)
    wanted = {"InstanceId": instance_id, "Name": "baked"}
    assert code_of(world.ec2.create_image, **wanted) == "InvalidParameterValue"


def test_a_snapshot_in_use_stays_until_its_image_is_gone(world: World) -> None:
    image_id = world.bake(launch_with_data(world))
    root, data = snapshots_of(world, image_id)
    assert code_of(world.ec2.delete_snapshot, SnapshotId=data) == "InvalidSnapshot.InUse"
    world.ec2.deregister_image(ImageId=image_id)
    for snapshot_id in (root, data):
        world.ec2.delete_snapshot(SnapshotId=snapshot_id)
    assert world.machines.snapshots == {}


def test_deregistering_deletes_the_snapshots_if_asked(world: World) -> None:
    image_id = world.bake(launch_with_data(world))
    ids = snapshots_of(world, image_id)
    answer = world.ec2.deregister_image(ImageId=image_id, DeleteAssociatedSnapshots=True)
    results = {one["SnapshotId"]: one["ReturnCode"] for one in answer["DeleteSnapshotResults"]}
    assert results == dict.fromkeys(ids, "success")
    assert world.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert world.machines.baked == ["base"]


def test_a_deregistered_image_cannot_be_launched(world: World) -> None:
    image_id = world.bake(launch_with_data(world))
    world.ec2.deregister_image(ImageId=image_id)
    assert code_of(world.launch, ImageId=image_id) == "InvalidAMIID.Unavailable"
    answer = code_of(world.ec2.describe_images, ImageIds=[image_id])
    assert answer == "InvalidAMIID.NotFound"
    assert code_of(world.ec2.deregister_image, ImageId=image_id) == "InvalidAMIID.Unavailable"


def test_another_owners_image_cannot_be_changed(world: World) -> None:
    assert code_of(world.ec2.deregister_image, ImageId=UBUNTU) == "AuthFailure"


def permissions(world: World, image_id: str) -> Any:
    asked = {"ImageId": image_id, "Attribute": "launchPermission"}
    return world.ec2.describe_image_attribute(**asked)["LaunchPermissions"]


def test_an_image_is_shared_and_unshared(world: World) -> None:
    image_id = world.bake(launch_with_data(world))
    friend = [{"UserId": OTHER_ACCOUNT}]
    for _ in range(2):
        world.ec2.modify_image_attribute(ImageId=image_id, LaunchPermission={"Add": friend})
    assert permissions(world, image_id) == friend
    world.ec2.modify_image_attribute(ImageId=image_id, LaunchPermission={"Remove": friend})
    assert permissions(world, image_id) == []
    nobody = {"Add": [{"UserId": "123"}]}
    answer = code_of(world.ec2.modify_image_attribute, ImageId=image_id, LaunchPermission=nobody)
    assert answer == "InvalidAMIAttributeItemValue"


def test_an_image_encrypted_with_the_default_key_cannot_be_shared(world: World) -> None:
    world.ec2.enable_ebs_encryption_by_default()
    image_id = world.bake(launch_with_data(world))
    friend = {"Add": [{"UserId": OTHER_ACCOUNT}]}
    answer = code_of(world.ec2.modify_image_attribute, ImageId=image_id, LaunchPermission=friend)
    assert answer == "InvalidParameter"


@pytest.mark.parametrize(
    ("name", "value", "field", "shown"),
    [
        ("Description", {"Value": "better"}, "Description", "better"),
        ("ImdsSupport", {"Value": "v2.0"}, "ImdsSupport", "v2.0"),
    ],
)
def test_attributes_of_an_image_can_be_set(
    world: World, name: str, value: dict[str, str], field: str, shown: str
) -> None:
    image_id = world.bake(launch_with_data(world))
    world.ec2.modify_image_attribute(ImageId=image_id, **{name: value})
    assert world.image(image_id)[field] == shown


def test_images_survive_a_restart_with_tags_snapshots_and_permissions(tmp_path: Path) -> None:
    tags = [{"Key": "run", "Value": "r1"}]
    with strict_cloud_opened(home=tmp_path) as opened:
        world = World(opened, client("ec2", opened.endpoint_url))
        specified = [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")]
        image_id = world.bake(launch_with_data(world), TagSpecifications=specified)
        world.ec2.modify_image_attribute(
            ImageId=image_id, LaunchPermission={"Add": [{"UserId": OTHER_ACCOUNT}]}
        )
        before = world.image(image_id)
        snapshots = world.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        machines = opened.machines
    with strict_cloud_opened(home=tmp_path, machines=machines) as opened:
        world = World(opened, client("ec2", opened.endpoint_url))
        assert world.image(image_id) == before
        assert world.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == snapshots
        assert permissions(world, image_id) == [{"UserId": OTHER_ACCOUNT}]
        assert world.ec2.describe_instances()["Reservations"] == []
        assert world.machines.roots[world.launch_running(ImageId=image_id)] == image_id


def test_an_image_that_was_pending_at_the_end_has_failed_after_a_restart(tmp_path: Path) -> None:
    with strict_cloud_opened(home=tmp_path) as opened:
        world = World(opened, client("ec2", opened.endpoint_url))
        instance_id = launch_with_data(world)
        with world.machines.held():
            wanted = {"InstanceId": instance_id, "Name": "baked"}
            image_id = world.ec2.create_image(**wanted)["ImageId"]
            cut = (tmp_path / "api.json").read_text()
    (tmp_path / "api.json").write_text(cut)
    with strict_cloud_opened(home=tmp_path) as opened:
        world = World(opened, client("ec2", opened.endpoint_url))
        assert world.image(image_id)["State"] == "failed"
