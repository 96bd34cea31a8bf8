"""Copies of images across regions: their content, their failures, and what a restart leaves."""

from pathlib import Path
from typing import Any

import pytest

from tests.ec2_actions import client, code_of
from tests.sandbox.api.conftest import UBUNTU, World, world_of
from tests.strict_cloud import strict_cloud_opened

DATA = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 2, "DeleteOnTermination": True}}
HERE, THERE = "us-west-2", "eu-central-1"


@pytest.fixture
def there(world: World) -> World:
    """The same account in another region."""
    return other_region(world)


def other_region(world: World) -> World:
    ec2 = client("ec2", world.sandbox.endpoint_url, THERE)
    found = world_of(world.sandbox, ec2)
    found.zone = f"{THERE}a"
    return found


def bake(world: World) -> str:
    instance_id = world.launch_running(BlockDeviceMappings=[DATA])
    world.stop(instance_id)
    return world.bake(instance_id)


def copy(there: World, source_id: str, **more: Any) -> str:
    parameters = {"SourceImageId": source_id, "SourceRegion": HERE, "Name": "copied"}
    return str(there.ec2.copy_image(**{**parameters, **more})["ImageId"])


def new_key(there: World, region: str = THERE) -> str:
    kms = client("kms", there.sandbox.endpoint_url, region)
    return str(kms.create_key()["KeyMetadata"]["Arn"])


def keys_of(there: World, image_id: str) -> set[str]:
    mapping = there.image(image_id)["BlockDeviceMappings"]
    ids = [device["Ebs"]["SnapshotId"] for device in mapping if "Ebs" in device]
    shown = there.ec2.describe_snapshots(SnapshotIds=ids)["Snapshots"]
    return {snapshot.get("KmsKeyId", "") for snapshot in shown}


def test_a_machine_from_a_copy_has_the_root_and_the_data_of_the_source(
    world: World, there: World
) -> None:
    source_id = bake(world)
    image_id = copy(there, source_id)
    there.wait_for_image(image_id)

    launched = there.launch_running(ImageId=image_id)

    assert world.machines.copied_from[image_id] == source_id
    assert world.machines.roots[launched] == image_id
    data = there.instance(launched)["BlockDeviceMappings"][1]["Ebs"]["VolumeId"]
    first = next(words[1] for words in world.machines.actions if words[0] == "create_snapshot")
    assert world.machines.volumes[data] == first, "the content of the volume that was imaged"
    shown = there.image(image_id)
    assert (shown["SourceImageId"], shown["SourceImageRegion"]) == (source_id, HERE)


def test_canonicals_image_can_be_copied(there: World) -> None:
    image_id = copy(there, UBUNTU)
    there.wait_for_image(image_id)
    assert there.image(image_id)["OwnerId"] == "123456789012"
    assert there.machines.copied_from[image_id] == "base"


def test_a_source_that_is_not_there_not_ready_or_not_readable_is_refused(
    world: World, there: World
) -> None:
    wrong = {"SourceRegion": "us-west-9", "SourceImageId": UBUNTU, "Name": "copied"}
    assert code_of(there.ec2.copy_image, **wrong) == "InvalidParameterValue"
    elsewhere = {**wrong, "SourceRegion": THERE}
    assert code_of(there.ec2.copy_image, **elsewhere) == "InvalidAMIID.NotFound"
    instance_id = world.launch_running()
    world.stop(instance_id)
    with world.machines.held():
        pending = world.ec2.create_image(InstanceId=instance_id, Name="baked")["ImageId"]
        early = {**wrong, "SourceRegion": HERE, "SourceImageId": pending}
        assert code_of(there.ec2.copy_image, **early) == "InvalidAMIID.Unavailable"
    region = world.sandbox.cloud.region(HERE)
    for snapshot_id in region.images[UBUNTU].snapshot_ids:
        region.snapshots[snapshot_id].groups = []
    private = {**wrong, "SourceRegion": HERE}
    assert code_of(there.ec2.copy_image, **private) == "InvalidRequest"


def test_there_is_a_limit_of_copies_at_once(there: World) -> None:
    with there.machines.held():
        for _ in range(100):
            copy(there, UBUNTU)
        again = {"SourceImageId": UBUNTU, "SourceRegion": HERE, "Name": "copied"}
        assert code_of(there.ec2.copy_image, **again) == "ResourceLimitExceeded"


def test_a_copy_fails_as_a_fault_says_and_its_snapshots_can_be_removed(there: World) -> None:
    name = there.fail("fail", action="CopyImage", times=1)
    image_id = copy(there, UBUNTU)
    there.wait_until(lambda: there.image(image_id)["State"] == "failed")
    assert there.fired(name) == 1
    assert there.image(image_id)["StateReason"]["Message"]
    done = there.ec2.deregister_image(ImageId=image_id, DeleteAssociatedSnapshots=True)
    assert {each["ReturnCode"] for each in done["DeleteSnapshotResults"]} == {"success"}


def test_a_copy_can_be_slow(there: World) -> None:
    name = there.fail("slow", action="CopyImage", seconds=3600)
    image_id = copy(there, UBUNTU)
    there.wait_until(lambda: there.machines.copied_from.get(image_id) == "base")
    assert there.image(image_id)["State"] == "pending"
    there.advance(7201)
    there.wait_for_image(image_id)
    assert there.fired(name) == 1


def test_a_copy_is_encrypted_with_the_named_key_or_that_of_its_region(
    world: World, there: World
) -> None:
    source_id, key = bake(world), new_key(there)
    named = copy(there, source_id, Encrypted=True, KmsKeyId=key)
    default = copy(there, source_id, Encrypted=True)
    for image_id in (named, default):
        there.wait_for_image(image_id)
    assert keys_of(there, named) == {key}
    (own,) = keys_of(there, default)
    kms = client("kms", there.sandbox.endpoint_url, THERE)
    assert kms.describe_key(KeyId=own)["KeyMetadata"]["KeyManager"] == "AWS"
    share = {"LaunchPermission": {"Add": [{"UserId": "210987654321"}]}}
    assert code_of(there.ec2.modify_image_attribute, ImageId=named, **share) == "OK"
    refused = code_of(there.ec2.modify_image_attribute, ImageId=default, **share)
    assert refused == "InvalidParameter"
    public = {"LaunchPermission": {"Add": [{"Group": "all"}]}}
    assert code_of(there.ec2.modify_image_attribute, ImageId=named, **public) != "OK"


@pytest.mark.parametrize("wrong", ["of another region", "disabled", "none"])
def test_a_key_that_ebs_cannot_use_lets_the_copy_fail(there: World, wrong: str) -> None:
    key = new_key(there, HERE if wrong == "of another region" else THERE)
    if wrong == "disabled":
        client("kms", there.sandbox.endpoint_url, THERE).disable_key(KeyId=key.rpartition("/")[2])
    image_id = copy(there, UBUNTU, Encrypted=True, KmsKeyId=key if wrong != "none" else "alias/x")
    there.wait_until(lambda: there.image(image_id)["State"] == "failed")


def test_a_copy_outlives_a_restart_and_one_that_was_pending_has_failed(tmp_path: Path) -> None:
    with strict_cloud_opened(home=tmp_path) as opened:
        there = other_region(world_of(opened))
        done = copy(there, UBUNTU)
        there.wait_for_image(done)
        there.fail("slow", action="CopyImage", seconds=3600)
        pending = copy(there, UBUNTU, Name="slow")
    with strict_cloud_opened(home=tmp_path) as opened:
        there = other_region(world_of(opened))
        assert there.image(done)["SourceImageRegion"] == HERE
        assert there.image(pending)["State"] == "failed"
