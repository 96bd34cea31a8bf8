"""What becomes of layers and disks when images are made, and what outlives a restart."""

from pathlib import Path
from typing import Any

from tests.ec2_actions import code_of
from tests.sandbox.api.conftest import UBUNTU, World, world_of
from tests.strict_cloud import strict_cloud_opened

OTHER_ACCOUNT = "210987654321"
DATA = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 2, "DeleteOnTermination": True}}


def launch_with_data(world: World, **more: Any) -> str:
    instance_id = world.launch_running(BlockDeviceMappings=[DATA], **more)
    world.stop(instance_id)
    return instance_id


def snapshots_of(world: World, image_id: str) -> list[str]:
    mapping = world.image(image_id)["BlockDeviceMappings"]
    return [device["Ebs"]["SnapshotId"] for device in mapping if "Ebs" in device]


def test_the_snapshots_of_a_pending_image_are_pending(world: World) -> None:
    instance_id = launch_with_data(world)
    with world.machines.held():
        image_id = world.ec2.create_image(InstanceId=instance_id, Name="baked")["ImageId"]
        assert world.image(image_id)["State"] == "pending"
        ids = snapshots_of(world, image_id)
        pending = world.ec2.describe_snapshots(SnapshotIds=ids)["Snapshots"]
        assert {snapshot["State"] for snapshot in pending} == {"pending"}
    world.wait_until(lambda: world.image(image_id)["State"] == "available")


def test_a_machine_from_an_image_has_its_root_and_its_data(world: World) -> None:
    first = launch_with_data(world)
    image_id = world.bake(first)
    source = world.instance(first)["BlockDeviceMappings"][1]["Ebs"]["VolumeId"]
    second = world.launch_running(ImageId=image_id)
    copy = world.instance(second)["BlockDeviceMappings"][1]["Ebs"]["VolumeId"]
    assert world.machines.roots[second] == image_id
    assert world.machines.volumes[copy] == source
    assert world.machines.attached[copy] == second


def test_without_no_reboot_a_running_machine_is_rebooted(world: World) -> None:
    instance_id = world.launch_running()
    world.bake(instance_id)
    assert world.state(instance_id) == "running"
    assert world.machines.actions.count(("boot", instance_id)) == 2
    assert world.machines.running() == [instance_id]


def test_with_no_reboot_a_running_machine_is_held_still_and_goes_on(world: World) -> None:
    instance_id = world.launch_running(BlockDeviceMappings=[DATA])
    image_id = world.bake(instance_id, NoReboot=True)
    assert world.image(image_id)["State"] == "available"
    work = [words[0] for words in world.machines.actions]
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
    copy = {"SourceSnapshotId": "snap-01234567", "SourceRegion": "us-west-2"}
    assert code_of(world.ec2.copy_snapshot, **copy) == "UnsupportedOperation"
    copy = {"SourceImageId": UBUNTU, "SourceRegion": "us-west-2", "Name": "copied"}
    quickly = {"SnapshotCopyCompletionDurationMinutes": 15}
    assert code_of(world.ec2.copy_image, **copy, **quickly) == "UnsupportedOperation"


def test_an_image_that_is_gone_is_not_found_and_its_snapshots_can_be_deleted(world: World) -> None:
    image_id = world.bake(launch_with_data(world))
    root, data = snapshots_of(world, image_id)
    world.ec2.deregister_image(ImageId=image_id)
    missing = code_of(world.ec2.describe_images, ImageIds=[image_id])
    assert missing == "InvalidAMIID.NotFound"
    for snapshot_id in (root, data):
        world.ec2.delete_snapshot(SnapshotId=snapshot_id)
    world.wait_until(lambda: world.machines.snapshots == {})


def test_deregistering_deletes_the_snapshots_if_asked(world: World) -> None:
    image_id = world.bake(launch_with_data(world))
    world.ec2.deregister_image(ImageId=image_id, DeleteAssociatedSnapshots=True)
    assert world.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert world.machines.baked == ["base"]


def permissions(world: World, image_id: str) -> Any:
    parameters = {"ImageId": image_id, "Attribute": "launchPermission"}
    return world.ec2.describe_image_attribute(**parameters)["LaunchPermissions"]


def test_an_image_encrypted_with_the_default_key_cannot_be_shared(world: World) -> None:
    world.ec2.enable_ebs_encryption_by_default()
    image_id = world.bake(launch_with_data(world))
    friend = {"Add": [{"UserId": OTHER_ACCOUNT}]}
    answer = code_of(world.ec2.modify_image_attribute, ImageId=image_id, LaunchPermission=friend)
    assert answer == "InvalidParameter"


def test_images_survive_a_restart_with_tags_snapshots_and_permissions(tmp_path: Path) -> None:
    tags = [{"Key": "run", "Value": "r1"}]
    with strict_cloud_opened(home=tmp_path) as opened:
        world = world_of(opened)
        specified = [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")]
        image_id = world.bake(launch_with_data(world), TagSpecifications=specified)
        world.ec2.modify_image_attribute(
            ImageId=image_id, LaunchPermission={"Add": [{"UserId": OTHER_ACCOUNT}]}
        )
        before = world.image(image_id)
        snapshots = world.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        machines = opened.machines
    with strict_cloud_opened(home=tmp_path, machines=machines) as opened:
        world = world_of(opened)
        assert world.image(image_id) == before
        assert world.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == snapshots
        assert permissions(world, image_id) == [{"UserId": OTHER_ACCOUNT}]
        assert world.ec2.describe_instances()["Reservations"] == []
        assert world.machines.roots[world.launch_running(ImageId=image_id)] == image_id


def test_an_image_that_was_pending_at_the_end_has_failed_after_a_restart(tmp_path: Path) -> None:
    with strict_cloud_opened(home=tmp_path) as opened:
        world = world_of(opened)
        instance_id = launch_with_data(world)
        with world.machines.held():
            wanted = {"InstanceId": instance_id, "Name": "baked"}
            image_id = world.ec2.create_image(**wanted)["ImageId"]
            cut = (tmp_path / "api.json").read_text()
    (tmp_path / "api.json").write_text(cut)
    with strict_cloud_opened(home=tmp_path) as opened:
        world = world_of(opened)
        assert world.image(image_id)["State"] == "failed"
