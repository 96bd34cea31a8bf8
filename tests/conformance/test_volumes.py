"""What becomes of volumes and snapshots."""

from typing import Any

import pytest

from tests.conformance.world import World
from tests.ec2_actions import code_of

DEVICE = {"Device": "/dev/sdf"}


def test_a_volume_is_creating_before_it_is_available(world: World) -> None:
    """https://docs.aws.amazon.com/ebs/latest/userguide/ebs-describing-volumes.html"""
    with world.during_transition():
        parameters = {"Size": 3, "AvailabilityZone": world.zone, "VolumeType": "gp3"}
        made = world.ec2.create_volume(**parameters)
        assert (made["State"], made["Size"], made["Iops"]) == ("creating", 3, 3000)
    world.wait_until(lambda: world.volume(made["VolumeId"])["State"] == "available")


def test_the_same_token_makes_one_volume(world: World) -> None:
    """https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html"""
    token = world.name("one")
    first = world.make_volume(ClientToken=token)
    assert world.make_volume(ClientToken=token) == first
    answer = code_of(world.make_volume, ClientToken=token, Size=2)
    assert answer == "IdempotentParameterMismatch"
    assert world.make_volume(ClientToken=world.name("two")) != first
    assert len(world.volumes()) == 2


def test_a_volume_is_attaching_before_it_is_attached_and_detaching_before_it_is_free(
    world: World,
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VolumeAttachment.html"""
    instance_id = world.launch_running(Placement={"AvailabilityZone": world.zone})
    volume_id = world.make_volume()
    where = {"VolumeId": volume_id, "InstanceId": instance_id}
    with world.during_transition():
        assert world.ec2.attach_volume(**where, **DEVICE)["State"] == "attaching"
        assert world.volume(volume_id)["State"] == "in-use"
    world.wait_until(lambda: attachment(world, volume_id) == "attached")
    assert code_of(world.ec2.delete_volume, VolumeId=volume_id) == "VolumeInUse"
    with world.during_transition():
        assert world.ec2.detach_volume(VolumeId=volume_id)["State"] == "detaching"
    world.wait_until(lambda: world.volume(volume_id)["State"] == "available")
    assert code_of(world.ec2.detach_volume, VolumeId=volume_id) == "IncorrectState"
    world.ec2.delete_volume(VolumeId=volume_id)
    world.wait_until(
        lambda: code_of(world.ec2.delete_volume, VolumeId=volume_id) == "InvalidVolume.NotFound"
    )


def test_a_volume_goes_from_a_stopped_machine_to_the_next(world: World) -> None:
    """https://docs.aws.amazon.com/ebs/latest/userguide/ebs-detaching-volume.html"""
    first, second = (
        world.launch_running(Placement={"AvailabilityZone": world.zone}) for _ in range(2)
    )
    volume_id = world.make_volume()
    world.ec2.attach_volume(VolumeId=volume_id, InstanceId=first, **DEVICE)
    world.wait_until(lambda: attachment(world, volume_id) == "attached")
    world.stop(first)
    assert attachment(world, volume_id) == "attached", "a stopped machine keeps it"
    again = code_of(world.ec2.attach_volume, VolumeId=volume_id, InstanceId=second, **DEVICE)
    assert again == "VolumeInUse"
    world.ec2.detach_volume(VolumeId=volume_id, InstanceId=first)
    world.wait_until(lambda: world.volume(volume_id)["State"] == "available")
    world.ec2.attach_volume(VolumeId=volume_id, InstanceId=second, **DEVICE)
    world.wait_until(lambda: attachment(world, volume_id) == "attached")
    (shown,) = world.volume(volume_id)["Attachments"]
    assert not shown["DeleteOnTermination"], "it outlives the machine"
    world.terminate(second)
    world.wait_until(lambda: world.volume(volume_id)["State"] == "available")


def attachment(world: World, volume_id: str) -> str:
    """Return the state of a volume's one attachment."""
    (found,) = world.volume(volume_id)["Attachments"]
    return str(found["State"])


def test_attaching_is_refused_where_ec2_refuses_it(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVolume.html"""
    instance_id = world.launch_running(Placement={"AvailabilityZone": world.zone})
    far = world.make_volume(AvailabilityZone=world.other_zone)
    near, second = world.make_volume(), world.make_volume()

    def attach(volume_id: str, device: str = "/dev/sdf") -> str:
        wanted = {"VolumeId": volume_id, "InstanceId": instance_id, "Device": device}
        return code_of(world.ec2.attach_volume, **wanted)

    assert attach(far) == "InvalidVolume.ZoneMismatch"
    assert attach(near) == "OK"
    assert attach(near, "/dev/sdg") == "VolumeInUse"
    assert attach(second) == "InvalidParameterValue", "the device is taken"
    assert attach("vol-0123456789abcdef0") == "InvalidVolume.NotFound"
    world.terminate(instance_id)
    assert attach(second) == "IncorrectState"


def test_the_root_volume_cannot_be_detached_from_a_running_instance(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachVolume.html"""
    root = world.instance(world.launch_running())["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    assert code_of(world.ec2.detach_volume, VolumeId=root) == "OperationNotPermitted"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AvailabilityZone": "us-west-2z"}, "InvalidZone.NotFound"),
        ({"VolumeType": "gp9"}, "InvalidParameterValue"),
        ({"Size": 99999}, "InvalidParameterValue"),
        ({"Size": 0}, "InvalidParameterValue"),
        ({"SnapshotId": "snap-0123456789abcdef0"}, "InvalidSnapshot.NotFound"),
        ({"VolumeType": "gp2", "Iops": 3000}, "InvalidParameterCombination"),
        ({"VolumeType": "gp2", "Throughput": 125}, "InvalidParameterCombination"),
        ({"VolumeType": "gp3", "Iops": 100}, "InvalidParameterValue"),
        ({"VolumeType": "gp3", "Size": 10, "Iops": 5001}, "InvalidParameterValue"),
        ({"VolumeType": "io1", "Size": 4}, "MissingParameter"),
        ({"VolumeType": "st1", "Size": 1}, "InvalidParameterValue"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_a_volume_that_ec2_refuses_is_refused(
    world: World, change: dict[str, Any], code: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html"""
    assert code_of(world.make_volume, **change) == code
    assert world.volumes() == []


def test_a_volume_needs_a_size_or_a_snapshot(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html"""
    answer = code_of(world.ec2.create_volume, AvailabilityZone=world.zone, VolumeType="gp3")
    assert answer == "MissingParameter"


def test_a_snapshot_is_pending_then_complete_and_makes_volumes(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshot.html"""
    volume_id = world.make_volume()
    with world.during_transition():
        made = world.ec2.create_snapshot(VolumeId=volume_id)
        assert made["State"] == "pending"
    snapshot_id = made["SnapshotId"]

    def shown() -> Any:
        return world.ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"][0]

    world.wait_until(lambda: shown()["State"] == "completed", world.wait_settings.image_seconds)
    assert (shown()["Progress"], shown()["VolumeSize"]) == ("100%", 1)
    copy = world.volume(world.make_volume(SnapshotId=snapshot_id))
    assert (copy["SnapshotId"], copy["Size"]) == (snapshot_id, 1)
    world.ec2.delete_snapshot(SnapshotId=snapshot_id)
    answer = code_of(world.ec2.delete_snapshot, SnapshotId=snapshot_id)
    assert answer == "InvalidSnapshot.NotFound"


def test_so_many_snapshots_of_a_volume_may_be_unfinished(world: World) -> None:
    """https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html

    "Concurrent snapshots per General Purpose SSD (gp3) volume": 5; they are to be 15 s apart, see
    SnapshotCreationPerVolumeRateExceeded among EC2's error codes.
    """
    world.needs(world.account.is_ours, "snapshots of a blank volume are complete after 15 s")
    volume_id = world.make_volume()
    with world.during_transition():
        made = [world.ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"] for _ in range(5)]
        refused = code_of(world.ec2.create_snapshot, VolumeId=volume_id)
        assert refused == "ConcurrentSnapshotLimitExceeded"
        # "including any deleted while in progress":
        # https://repost.aws/knowledge-center/ebs-snapshot-stuck
        world.ec2.delete_snapshot(SnapshotId=made[0])
        refused = code_of(world.ec2.create_snapshot, VolumeId=volume_id)
        assert refused == "ConcurrentSnapshotLimitExceeded"
    world.wait_until(
        lambda: code_of(world.ec2.create_snapshot, VolumeId=volume_id) == "OK",
        world.wait_settings.image_seconds,
    )


def test_a_snapshot_is_whole_without_the_one_before_it(world: World) -> None:
    """https://docs.aws.amazon.com/ebs/latest/userguide/ebs-deleting-snapshot.html

    It need not be complete to be deleted: https://repost.aws/knowledge-center/ebs-snapshot-stuck
    """
    volume_id = world.make_volume()
    with world.during_transition():
        first = world.ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
        world.ec2.delete_snapshot(SnapshotId=first)
    world.wait_until(
        lambda: code_of(world.ec2.create_snapshot, VolumeId=volume_id) == "OK",
        world.wait_settings.image_seconds,
    )
    (second,) = world.ec2.describe_snapshots(OwnerIds=["self"], Filters=world.mine)["Snapshots"]

    def state() -> str:
        ids = [second["SnapshotId"]]
        return str(world.ec2.describe_snapshots(SnapshotIds=ids)["Snapshots"][0]["State"])

    world.wait_until(lambda: state() == "completed", world.wait_settings.image_seconds)
    copy = world.volume(world.make_volume(SnapshotId=second["SnapshotId"]))
    assert copy["SnapshotId"] == second["SnapshotId"]


def test_a_snapshot_is_shared_and_unshared(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html"""
    friend = world.account.share_with
    world.needs(friend, "there is no other account to share with")
    snapshot_id = world.ec2.create_snapshot(VolumeId=world.make_volume())["SnapshotId"]
    attribute = {"SnapshotId": snapshot_id, "Attribute": "createVolumePermission"}
    for operation, users in (("add", [friend]), ("remove", [])):
        world.ec2.modify_snapshot_attribute(**attribute, OperationType=operation, UserIds=[friend])
        shown = world.ec2.describe_snapshot_attribute(**attribute)["CreateVolumePermissions"]
        assert [permission["UserId"] for permission in shown] == users


def test_encryption_by_default_marks_new_volumes_and_bars_sharing(world: World) -> None:
    """https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html"""
    world.needs(world.account.is_ours, "it would encrypt what others make in the account too")
    assert world.ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    world.ec2.enable_ebs_encryption_by_default()
    try:
        volume_id = world.make_volume()
        assert world.volume(volume_id)["Encrypted"] is True
        assert world.ec2.get_ebs_default_kms_key_id()["KmsKeyId"].endswith("alias/aws/ebs")
        snapshot_id = world.ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    finally:
        world.ec2.disable_ebs_encryption_by_default()
    shared = {"Add": [{"UserId": world.account.share_with}]}
    answer = code_of(
        world.ec2.modify_snapshot_attribute,
        SnapshotId=snapshot_id,
        Attribute="createVolumePermission",
        CreateVolumePermission=shared,
    )
    assert answer == "OperationNotPermitted"
