"""What becomes of the disks behind volumes and snapshots."""

from typing import Any

import pytest

from tests.ec2_actions import REGION, client, code_of
from tests.sandbox.api.conftest import ZONE, World


def test_a_volume_cannot_be_deleted_while_it_is_created(world: World) -> None:
    with world.machines.held():
        made = world.ec2.create_volume(Size=3, AvailabilityZone=ZONE, VolumeType="gp3")
        assert made["State"] == "creating"
        assert code_of(world.ec2.delete_volume, VolumeId=made["VolumeId"]) == "IncorrectState"
    world.wait_until(lambda: world.volume(made["VolumeId"])["State"] == "available")


def test_a_volume_is_at_its_host_when_it_is_attached(world: World) -> None:
    volume_id, instance_id = world.make_volume(), world.launch_running()
    with world.machines.held():
        attaching = world.ec2.attach_volume(
            VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdf"
        )
        assert attaching["State"] == "attaching"
        assert world.volume(volume_id)["Attachments"][0]["State"] == "attaching"
    world.wait_until(lambda: world.volume(volume_id)["Attachments"][0]["State"] == "attached")
    assert world.machines.attached[volume_id] == instance_id


def test_a_volume_cannot_be_deleted_while_it_is_detached(world: World) -> None:
    volume_id, instance_id = world.make_volume(), world.launch_running()
    world.ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdf")
    world.wait_until(lambda: world.volume(volume_id)["Attachments"][0]["State"] == "attached")
    with world.machines.held():
        assert world.ec2.detach_volume(VolumeId=volume_id)["State"] == "detaching"
        assert code_of(world.ec2.delete_volume, VolumeId=volume_id) == "VolumeInUse"
    world.wait_until(lambda: world.volume(volume_id)["State"] == "available")
    world.ec2.delete_volume(VolumeId=volume_id)
    world.wait_until(lambda: volume_id not in world.machines.volumes)


def test_a_snapshot_makes_volumes_with_its_content_once_it_is_complete(world: World) -> None:
    volume_id = world.make_volume()
    with world.machines.held():
        made = world.ec2.create_snapshot(VolumeId=volume_id)
        assert (made["State"], made["Progress"]) == ("pending", "0%")
        snapshot_id = made["SnapshotId"]
        assert code_of(world.make_volume, SnapshotId=snapshot_id) == "IncorrectState"

    def shown() -> Any:
        return world.ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"][0]

    world.wait_until(lambda: shown()["State"] == "completed")
    copy_id = world.make_volume(SnapshotId=snapshot_id)
    assert world.machines.volumes[copy_id] == volume_id


def new_key(world: World) -> str:
    kms = client("kms", world.sandbox.endpoint_url, REGION)
    arn = str(kms.create_key()["KeyMetadata"]["Arn"])
    kms.create_alias(AliasName="alias/own", TargetKeyId=arn)
    return arn


def data_disk(key: str) -> dict[str, Any]:
    return {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 3, "Encrypted": True, "KmsKeyId": key}}


@pytest.mark.parametrize("form", ["alias", "id", "arn"])
def test_a_disk_shows_the_arn_of_its_key_whatever_it_was_asked_by(world: World, form: str) -> None:
    arn = new_key(world)
    key = {"alias": "alias/own", "id": arn.rpartition("/")[2], "arn": arn}[form]
    made = [world.make_volume(Encrypted=True, KmsKeyId=key)]
    instance_id = world.launch_running(BlockDeviceMappings=[data_disk(key)])
    disks = world.instance(instance_id)["BlockDeviceMappings"]
    made += [each["Ebs"]["VolumeId"] for each in disks if each["DeviceName"] == "/dev/sdf"]
    assert [world.volume(each)["KmsKeyId"] for each in made] == [arn, arn]


@pytest.mark.parametrize("wrong", ["disabled", "none"])
def test_a_key_that_ebs_cannot_use_ends_the_launch_and_spoils_the_volume(
    world: World, wrong: str
) -> None:
    key = new_key(world) if wrong == "disabled" else "alias/none"
    if wrong == "disabled":
        kms = client("kms", world.sandbox.endpoint_url, REGION)
        kms.disable_key(KeyId=key.rpartition("/")[2])

    volume = world.ec2.create_volume(
        Size=3, AvailabilityZone=ZONE, VolumeType="gp3", Encrypted=True, KmsKeyId=key
    )
    instance_id = world.launch(BlockDeviceMappings=[data_disk(key)])["InstanceId"]

    world.wait_until(lambda: world.volume(volume["VolumeId"])["State"] == "error")
    world.wait_until(lambda: world.instance(instance_id)["State"]["Name"] == "terminated")
    assert world.instance(instance_id)["StateReason"] == {
        "Code": "Client.InternalError",
        "Message": "Client.InternalError: Client error on launch",
    }
    assert instance_id not in world.machines.on_exit
