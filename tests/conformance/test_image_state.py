"""What the owner of an image decides about its end, and what tells whether it is still used."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.world import World
from tests.ec2_actions import code_of


@pytest.fixture(scope="module")
def source_id(shared: World) -> str:
    """A stopped machine, which nobody changes."""
    instance_id = shared.launch_running()
    shared.stop(instance_id)
    return instance_id


@pytest.fixture(scope="module")
def image_id(shared: World, source_id: str) -> str:
    """An image that each test leaves as it was."""
    return shared.bake(source_id, "state")


def own(world: World, **more: Any) -> list[str]:
    """Return the ids of the images that the account has in the suite's name."""
    filters = [{"Name": "name", "Values": [f"{world.account.run}-*"]}]
    found = world.ec2.describe_images(Owners=["self"], Filters=filters, **more)["Images"]
    return [image["ImageId"] for image in found]


def test_a_deprecated_image_is_still_its_owners_and_says_since_when(
    world: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html"""
    now = datetime.now(UTC)
    for wrong in (now + timedelta(days=3700), now - timedelta(minutes=1)):
        refused = code_of(world.ec2.enable_image_deprecation, ImageId=image_id, DeprecateAt=wrong)
        assert refused == "InvalidParameterValue"
    at = (now + timedelta(hours=1)).replace(second=31)
    world.ec2.enable_image_deprecation(ImageId=image_id, DeprecateAt=at)
    rounded = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    assert world.image(image_id)["DeprecationTime"] == f"{rounded:%Y-%m-%dT%H:%M:%S}.000Z"
    assert image_id in own(world)
    world.ec2.disable_image_deprecation(ImageId=image_id)
    world.wait_until(lambda: "DeprecationTime" not in world.image(image_id))
    foreign = {"ImageId": world.image_id, "DeprecateAt": at}
    assert code_of(world.ec2.enable_image_deprecation, **foreign) == "AuthFailure"


def test_a_protected_image_cannot_be_deregistered(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html"""
    image_id = world.bake(source_id)
    world.ec2.enable_image_deregistration_protection(ImageId=image_id)
    assert world.image(image_id)["DeregistrationProtection"] == "enabled"
    refused = code_of(world.ec2.deregister_image, ImageId=image_id)
    assert refused == "OperationNotPermitted"
    world.ec2.disable_image_deregistration_protection(ImageId=image_id)
    assert code_of(world.ec2.deregister_image, ImageId=image_id) == "OK"


def test_a_disabled_image_is_unlisted_and_not_launched(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html"""
    world.ec2.disable_image(ImageId=image_id)
    try:
        world.wait_until(lambda: image_id not in own(world))
        assert image_id in own(world, IncludeDisabled=True)
        assert code_of(world.launch, ImageId=image_id) == "InvalidAMIID.Unavailable"
        share = {"LaunchPermission": {"Add": [{"UserId": world.account.id}]}}
        refused = code_of(world.ec2.modify_image_attribute, ImageId=image_id, **share)
        assert refused == "IncorrectState"
    finally:
        world.ec2.enable_image(ImageId=image_id)
    world.wait_until(lambda: world.image(image_id)["State"] == "available")
    assert code_of(world.launch, ImageId=image_id) == "OK"


def test_disabling_an_image_takes_it_from_those_it_was_shared_with(
    world: World, source_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html"""
    world.needs(world.account.share_with, "there is no other account to share with")
    image_id = world.bake(source_id)
    share = {"LaunchPermission": {"Add": [{"UserId": world.account.share_with}]}}
    world.ec2.modify_image_attribute(ImageId=image_id, **share)
    world.ec2.disable_image(ImageId=image_id)
    world.ec2.enable_image(ImageId=image_id)
    parameters = {"ImageId": image_id, "Attribute": "launchPermission"}
    assert world.ec2.describe_image_attribute(**parameters)["LaunchPermissions"] == []


def test_instances_that_use_an_image_are_told(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html"""
    image_id = world.bake(source_id)
    parameters = {"ImageIds": [image_id], "ResourceTypes": [{"ResourceType": "ec2:Instance"}]}
    assert world.ec2.describe_image_references(**parameters)["ImageReferences"] == []
    instance_id = world.launch_running(ImageId=image_id)
    (found,) = world.ec2.describe_image_references(**parameters)["ImageReferences"]
    assert found["Arn"].endswith(f"instance/{instance_id}")
    everything = {"ImageIds": [image_id], "IncludeAllResourceTypes": True}
    assert len(world.ec2.describe_image_references(**everything)["ImageReferences"]) == 1
    world.terminate(instance_id)
    world.wait_until(
        lambda: world.ec2.describe_image_references(**parameters)["ImageReferences"] == []
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"IncludeAllResourceTypes": True}, "InvalidParameterCombination"),
        ({"ImageIds": [f"ami-{number:017x}" for number in range(11)]}, "InvalidParameterValue"),
    ],
)
def test_a_question_for_uses_has_its_limits(
    world: World, image_id: str, arguments: dict[str, Any], code: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html"""
    usual = {"ImageIds": [image_id], "ResourceTypes": [{"ResourceType": "ec2:Instance"}]}
    assert code_of(world.ec2.describe_image_references, **usual | arguments) == code


def test_the_last_launch_is_not_told_at_once(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-last-launched-time.html"""
    world.launch(ImageId=image_id)
    assert "LastLaunchedTime" not in world.image(image_id)


def test_block_public_access_keeps_images_from_everybody(world: World, image_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html"""
    world.needs(world.account.is_ours, "it would open or close what others have in the account")
    share: dict[str, Any] = {"ImageId": image_id, "LaunchPermission": {"Add": [{"Group": "all"}]}}
    world.ec2.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
    shown = world.ec2.get_image_block_public_access_state()
    assert shown["ImageBlockPublicAccessState"] == "block-new-sharing"
    assert code_of(world.ec2.modify_image_attribute, **share) == "OperationNotPermitted"
    world.ec2.disable_image_block_public_access()
    shown = world.ec2.get_image_block_public_access_state()
    assert shown["ImageBlockPublicAccessState"] == "unblocked"
