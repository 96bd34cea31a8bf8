from typing import Any

import pytest

from tests.sandbox.api.conftest import ZONE, World, code_of


def test_a_volume_is_creating_before_it_is_available(world: World) -> None:
    with world.machines.held():
        made = world.ec2.create_volume(Size=3, AvailabilityZone=ZONE, VolumeType="gp3")
        assert made["State"] == "creating"
        assert code_of(world.ec2.delete_volume, VolumeId=made["VolumeId"]) == "IncorrectState"
    world.wait_until(lambda: world.volume(made["VolumeId"])["State"] == "available")


def test_the_same_token_makes_one_volume(world: World) -> None:
    first = world.make_volume(ClientToken="one")
    assert world.make_volume(ClientToken="one") == first
    answer = code_of(world.make_volume, ClientToken="one", Size=2)
    assert answer == "IdempotentParameterMismatch"
    assert world.make_volume(ClientToken="two") != first


def test_a_volume_is_attaching_before_it_is_attached(world: World) -> None:
    volume_id, instance_id = world.make_volume(), world.launch_running()
    with world.machines.held():
        attaching = world.ec2.attach_volume(
            VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdf"
        )
        assert attaching["State"] == "attaching"
        assert world.volume(volume_id)["Attachments"][0]["State"] == "attaching"
    world.wait_until(lambda: world.volume(volume_id)["Attachments"][0]["State"] == "attached")
    assert world.machines.attached[volume_id] == instance_id
    assert world.volume(volume_id)["State"] == "in-use"
    assert code_of(world.ec2.delete_volume, VolumeId=volume_id) == "VolumeInUse"


def test_a_detached_volume_can_be_deleted(world: World) -> None:
    volume_id, instance_id = world.make_volume(), world.launch_running()
    world.ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdf")
    world.wait_until(lambda: world.volume(volume_id)["Attachments"][0]["State"] == "attached")
    with world.machines.held():
        assert world.ec2.detach_volume(VolumeId=volume_id)["State"] == "detaching"
        assert code_of(world.ec2.delete_volume, VolumeId=volume_id) == "VolumeInUse"
    world.wait_until(lambda: world.volume(volume_id)["State"] == "available")
    assert code_of(world.ec2.detach_volume, VolumeId=volume_id) == "IncorrectState"
    world.ec2.delete_volume(VolumeId=volume_id)
    assert code_of(world.ec2.delete_volume, VolumeId=volume_id) == "InvalidVolume.NotFound"
    assert volume_id not in world.machines.volumes


def test_attaching_is_refused_where_ec2_refuses_it(world: World) -> None:
    instance_id = world.launch_running(Placement={"AvailabilityZone": ZONE})
    far = world.make_volume(AvailabilityZone="us-west-2b")
    near, second = world.make_volume(), world.make_volume()

    def attach(volume_id: str, device: str = "/dev/sdf") -> str:
        wanted = {"VolumeId": volume_id, "InstanceId": instance_id, "Device": device}
        return code_of(world.ec2.attach_volume, **wanted)

    assert attach(far) == "InvalidVolume.ZoneMismatch"
    assert attach(near) == "OK"
    assert attach(near, "/dev/sdg") == "VolumeInUse"
    assert attach(second) == "InvalidParameterValue"
    assert attach("vol-0123456789abcdef0") == "InvalidVolume.NotFound"
    world.terminate(instance_id)
    assert attach(second) == "IncorrectState"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AvailabilityZone": "us-west-2z"}, "InvalidZone.NotFound"),
        ({"VolumeType": "gp9"}, "InvalidParameterValue"),
        ({"Size": 0}, "MissingParameter"),
        ({"Size": 99999}, "InvalidParameterValue"),
        ({"SnapshotId": "snap-0123456789abcdef0"}, "InvalidSnapshot.NotFound"),
        ({"VolumeType": "gp2", "Iops": 3000}, "InvalidParameterCombination"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_a_volume_that_ec2_refuses_is_refused(
    world: World, change: dict[str, Any], code: str
) -> None:
    assert code_of(world.make_volume, **change) == code
    assert world.ec2.describe_volumes()["Volumes"] == []


def test_a_snapshot_is_pending_then_complete_and_makes_volumes(world: World) -> None:
    volume_id = world.make_volume()
    with world.machines.held():
        made = world.ec2.create_snapshot(VolumeId=volume_id)
        assert (made["State"], made["Progress"]) == ("pending", "0%")
        snapshot_id = made["SnapshotId"]
        assert code_of(world.make_volume, SnapshotId=snapshot_id) == "IncorrectState"

    def shown() -> Any:
        return world.ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"][0]

    world.wait_until(lambda: shown()["State"] == "completed")
    assert shown()["Progress"] == "100%"
    copy_id = world.make_volume(SnapshotId=snapshot_id)
    assert world.machines.volumes[copy_id] == volume_id
    assert code_of(world.make_volume, SnapshotId=snapshot_id, Size=1) == "OK"
    world.ec2.delete_snapshot(SnapshotId=snapshot_id)
    answer = code_of(world.ec2.delete_snapshot, SnapshotId=snapshot_id)
    assert answer == "InvalidSnapshot.NotFound"


def test_encryption_by_default_marks_new_volumes_and_bars_sharing(world: World) -> None:
    assert world.ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    world.ec2.enable_ebs_encryption_by_default()
    volume_id = world.make_volume()
    assert world.volume(volume_id)["Encrypted"] is True
    assert world.ec2.get_ebs_default_kms_key_id()["KmsKeyId"].endswith("alias/aws/ebs")
    snapshot_id = world.ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    shared = {"Add": [{"UserId": "210987654321"}]}
    answer = code_of(
        world.ec2.modify_snapshot_attribute,
        SnapshotId=snapshot_id,
        Attribute="createVolumePermission",
        CreateVolumePermission=shared,
    )
    assert answer == "OperationNotPermitted"


def test_a_snapshot_is_shared_and_unshared(world: World) -> None:
    snapshot_id = world.ec2.create_snapshot(VolumeId=world.make_volume())["SnapshotId"]
    attribute = {"SnapshotId": snapshot_id, "Attribute": "createVolumePermission"}
    for operation, users in (("add", ["210987654321"]), ("remove", [])):
        world.ec2.modify_snapshot_attribute(
            **attribute, OperationType=operation, UserIds=["210987654321"]
        )
        shown = world.ec2.describe_snapshot_attribute(**attribute)["CreateVolumePermissions"]
        assert [one["UserId"] for one in shown] == users


def test_the_root_volume_cannot_be_detached_from_a_running_instance(world: World) -> None:
    root = world.instance(world.launch_running())["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    assert code_of(world.ec2.detach_volume, VolumeId=root) == "OperationNotPermitted"
