"""What becomes of images as time goes by: by a clock that can be put forward."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.ec2_actions import code_of
from tests.sandbox.api.conftest import World, world_of
from tests.sandbox.fake_machines import FakeMachines
from tests.strict_cloud import strict_cloud_opened


@pytest.fixture
def image_id(world: World) -> str:
    instance_id = world.launch_running()
    world.stop(instance_id)
    made = world.bake(instance_id)
    world.terminate(instance_id)
    return made


def cloud_time(world: World, seconds: float) -> datetime:
    return world.sandbox.cloud.clock.now() + timedelta(seconds=seconds)


def test_a_deprecated_image_is_still_its_owners_and_can_be_launched(
    world: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html"""
    world.ec2.enable_image_deprecation(ImageId=image_id, DeprecateAt=cloud_time(world, 3600))
    world.advance(7200)
    assert world.ec2.describe_images(Owners=["self"])["Images"][0]["ImageId"] == image_id
    assert code_of(world.launch, ImageId=image_id) == "OK"


def test_with_a_cooldown_the_protection_lasts_another_day(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html"""
    world.ec2.enable_image_deregistration_protection(ImageId=image_id, WithCooldown=True)
    world.ec2.disable_image_deregistration_protection(ImageId=image_id)
    world.advance(24 * 3600 - 10)
    refused = code_of(world.ec2.deregister_image, ImageId=image_id)
    assert refused == "OperationNotPermitted"
    world.advance(20)
    assert code_of(world.ec2.deregister_image, ImageId=image_id) == "OK"


def test_the_last_launch_is_told_a_day_later(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-last-launched-time.html"""
    launched = world.launch(ImageId=image_id)["LaunchTime"]
    world.advance(23 * 3600)
    assert "LastLaunchedTime" not in world.image(image_id)
    world.advance(3601)
    assert world.image(image_id)["LastLaunchedTime"] == f"{launched:%Y-%m-%dT%H:%M:%S}.000Z"


def test_what_was_decided_about_an_image_survives_a_restart(tmp_path: Path) -> None:
    machines = FakeMachines()
    with strict_cloud_opened(home=tmp_path, machines=machines) as opened:
        world = world_of(opened)
        instance_id = world.launch_running()
        world.stop(instance_id)
        image_id = world.bake(instance_id)
        at = cloud_time(world, 3600)
        world.ec2.enable_image_deprecation(ImageId=image_id, DeprecateAt=at)
        world.ec2.enable_image_deregistration_protection(ImageId=image_id)
        world.launch(ImageId=image_id)
        before = world.image(image_id)
    with strict_cloud_opened(home=tmp_path, machines=machines) as opened:
        world = world_of(opened)
        assert world.image(image_id) == before
        world.advance(25 * 3600)
        assert "LastLaunchedTime" in world.image(image_id)
