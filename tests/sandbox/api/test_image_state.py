"""What the owner of an image decides about its end, and what tells whether it is still used."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.api.conftest import UBUNTU, World, client, code_of
from tests.sandbox.fake_machines import FakeMachines
from tests.strict_cloud import strict_cloud_opened


@pytest.fixture
def image_id(world: World) -> str:
    instance_id = world.launch_running()
    world.stop(instance_id)
    made = world.bake(instance_id)
    world.terminate(instance_id)
    return made


def cloud_time(world: World, seconds: float = 0) -> datetime:
    return world.opened.cloud.clock.now() + timedelta(seconds=seconds)


def test_a_deprecated_image_is_still_its_owners_and_can_be_launched(
    world: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html"""
    at = datetime(2041, 5, 4, 3, 2, 31, tzinfo=UTC)
    too_far = code_of(world.ec2.enable_image_deprecation, ImageId=image_id, DeprecateAt=at)
    assert too_far == "InvalidParameterValue"
    past = cloud_time(world, -60)
    assert code_of(world.ec2.enable_image_deprecation, ImageId=image_id, DeprecateAt=past) == (
        "InvalidParameterValue"
    )
    at = cloud_time(world, 3600).replace(second=31)
    world.ec2.enable_image_deprecation(ImageId=image_id, DeprecateAt=at)
    rounded = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    assert world.image(image_id)["DeprecationTime"] == f"{rounded:%Y-%m-%dT%H:%M:%S}.000Z"
    world.advance(7200)
    assert world.ec2.describe_images(Owners=["self"])["Images"][0]["ImageId"] == image_id
    assert code_of(world.launch, ImageId=image_id) == "OK"
    world.ec2.disable_image_deprecation(ImageId=image_id)
    assert "DeprecationTime" not in world.image(image_id)
    foreign = {"ImageId": UBUNTU, "DeprecateAt": cloud_time(world, 60)}
    assert code_of(world.ec2.enable_image_deprecation, **foreign) == "AuthFailure"


def test_a_protected_image_cannot_be_deregistered(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html"""
    world.ec2.enable_image_deregistration_protection(ImageId=image_id)
    assert world.image(image_id)["DeregistrationProtection"] == "enabled"
    refused = code_of(world.ec2.deregister_image, ImageId=image_id)
    assert refused == "OperationNotPermitted"
    world.ec2.disable_image_deregistration_protection(ImageId=image_id)
    assert code_of(world.ec2.deregister_image, ImageId=image_id) == "OK"


def test_with_a_cooldown_the_protection_lasts_another_day(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html"""
    world.ec2.enable_image_deregistration_protection(ImageId=image_id, WithCooldown=True)
    world.ec2.disable_image_deregistration_protection(ImageId=image_id)
    world.advance(24 * 3600 - 10)
    refused = code_of(world.ec2.deregister_image, ImageId=image_id)
    assert refused == "OperationNotPermitted"
    world.advance(20)
    assert code_of(world.ec2.deregister_image, ImageId=image_id) == "OK"


def test_a_disabled_image_is_private_unlisted_and_not_launched(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html"""
    share = {"LaunchPermission": {"Add": [{"UserId": "111122223333"}]}}
    world.ec2.modify_image_attribute(ImageId=image_id, **share)
    world.ec2.disable_image(ImageId=image_id)
    assert world.ec2.describe_images(Owners=["self"])["Images"] == []
    shown = world.ec2.describe_images(Owners=["self"], IncludeDisabled=True)["Images"][0]
    assert shown["State"] == "disabled"
    assert code_of(world.launch, ImageId=image_id) == "InvalidAMIID.Unavailable"
    assert code_of(world.ec2.modify_image_attribute, ImageId=image_id, **share) == "IncorrectState"
    world.ec2.enable_image(ImageId=image_id)
    asked = {"ImageId": image_id, "Attribute": "launchPermission"}
    assert world.ec2.describe_image_attribute(**asked)["LaunchPermissions"] == []
    assert code_of(world.launch, ImageId=image_id) == "OK"


def test_instances_that_use_an_image_are_told(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html"""
    asked = {"ImageIds": [image_id], "ResourceTypes": [{"ResourceType": "ec2:Instance"}]}
    assert world.ec2.describe_image_references(**asked)["ImageReferences"] == []
    instance_id = world.launch_running(ImageId=image_id)
    (found,) = world.ec2.describe_image_references(**asked)["ImageReferences"]
    assert found["Arn"].endswith(f"instance/{instance_id}")
    everything = {"ImageIds": [image_id], "IncludeAllResourceTypes": True}
    assert len(world.ec2.describe_image_references(**everything)["ImageReferences"]) == 1
    world.terminate(instance_id)
    assert world.ec2.describe_image_references(**asked)["ImageReferences"] == []
    both = asked | everything
    refused = code_of(world.ec2.describe_image_references, **both)
    assert refused == "InvalidParameterCombination"
    many = [f"ami-{number:017x}" for number in range(11)]
    refused = code_of(world.ec2.describe_image_references, **asked | {"ImageIds": many})
    assert refused == "InvalidParameterValue"


def test_the_last_launch_is_told_a_day_later(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-last-launched-time.html"""
    launched = world.launch(ImageId=image_id)["LaunchTime"]
    world.advance(23 * 3600)
    assert "LastLaunchedTime" not in world.image(image_id)
    world.advance(3601)
    assert world.image(image_id)["LastLaunchedTime"] == f"{launched:%Y-%m-%dT%H:%M:%S}.000Z"


def test_block_public_access_keeps_images_from_everybody(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html"""
    share: dict[str, Any] = {"ImageId": image_id, "LaunchPermission": {"Add": [{"Group": "all"}]}}
    world.ec2.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
    shown = world.ec2.get_image_block_public_access_state()
    assert shown["ImageBlockPublicAccessState"] == "block-new-sharing"
    assert code_of(world.ec2.modify_image_attribute, **share) == "OperationNotPermitted"
    world.ec2.disable_image_block_public_access()
    shown = world.ec2.get_image_block_public_access_state()
    assert shown["ImageBlockPublicAccessState"] == "unblocked"
    assert code_of(world.ec2.modify_image_attribute, **share) == "OK"


def test_what_was_decided_about_an_image_survives_a_restart(tmp_path: Path) -> None:
    machines = FakeMachines()
    with strict_cloud_opened(home=tmp_path, machines=machines) as opened:
        world = World(opened, client("ec2", opened.endpoint_url))
        instance_id = world.launch_running()
        world.stop(instance_id)
        image_id = world.bake(instance_id)
        at = cloud_time(world, 3600)
        world.ec2.enable_image_deprecation(ImageId=image_id, DeprecateAt=at)
        world.ec2.enable_image_deregistration_protection(ImageId=image_id)
        world.launch(ImageId=image_id)
        before = world.image(image_id)
    with strict_cloud_opened(home=tmp_path, machines=machines) as opened:
        world = World(opened, client("ec2", opened.endpoint_url))
        assert world.image(image_id) == before
        world.advance(25 * 3600)
        assert "LastLaunchedTime" in world.image(image_id)
