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


def references(world: World, image_id: str, *kinds: dict[str, Any]) -> list[str]:
    """Return what uses an image by the kinds that are asked for; all of them without any."""
    asked = {"ResourceTypes": list(kinds)} if kinds else {"IncludeAllResourceTypes": True}
    found = world.ec2.describe_image_references(ImageIds=[image_id], **asked)["ImageReferences"]
    return [each["Arn"].rpartition(":")[2] for each in found]


def option(kind: str, name: str, *values: str) -> dict[str, Any]:
    options = [{"OptionName": name, "OptionValues": list(values)}]
    return {"ResourceType": kind, "ResourceTypeOptions": options}


NOT_TERMINATED = option(
    *("ec2:Instance", "state-name"),
    *("pending", "running", "shutting-down", "stopping", "stopped"),
)


def test_instances_that_use_an_image_are_told_also_terminated(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html

    The default of `state-name` is all states.
    """
    image_id = world.bake(source_id)
    assert references(world, image_id, {"ResourceType": "ec2:Instance"}) == []
    instance_id = world.launch_running(ImageId=image_id)
    for kinds in ((), (NOT_TERMINATED,)):
        assert references(world, image_id, *kinds) == [f"instance/{instance_id}"]
    world.terminate(instance_id)
    world.wait_until(lambda: references(world, image_id, NOT_TERMINATED) == [])
    assert references(world, image_id) == [f"instance/{instance_id}"]
    # "When used together, the ResourceTypes option values take precedence over the defaults."
    both = {"IncludeAllResourceTypes": True, "ResourceTypes": [NOT_TERMINATED]}
    shown = world.ec2.describe_image_references(ImageIds=[image_id], **both)
    assert shown["ImageReferences"] == []


def test_launch_templates_that_name_an_image_are_told_by_their_newest_versions(
    world: World, image_id: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html

    Ten versions are looked at, or as many as `version-depth` says.
    """
    template_id = world.ec2.create_launch_template(
        LaunchTemplateName=world.name("uses"), LaunchTemplateData={"ImageId": image_id}
    )["LaunchTemplate"]["LaunchTemplateId"]
    usual = {"ResourceType": "ec2:LaunchTemplate"}
    assert references(world, image_id, usual) == [f"launch-template/{template_id}"]
    for _ in range(10):
        world.ec2.create_launch_template_version(
            LaunchTemplateId=template_id, LaunchTemplateData={"ImageId": world.image_id}
        )
    assert references(world, image_id, usual) == []
    deep = option("ec2:LaunchTemplate", "version-depth", "10000")
    assert references(world, image_id, deep) == [f"launch-template/{template_id}"]
    world.ec2.delete_launch_template(LaunchTemplateId=template_id)
    world.wait_until(lambda: references(world, image_id, deep) == [])


def test_a_disabled_image_is_still_told_to_be_used(world: World, source_id: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html

    "Launch services, such as launch templates and Auto Scaling groups, can continue to reference
    disabled AMIs", "You can't delete snapshots associated with disabled AMIs".
    """
    image_id = world.bake(source_id)
    instance_id = world.launch_running(ImageId=image_id)
    snapshot_id = world.image(image_id)["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    world.ec2.disable_image(ImageId=image_id)
    assert references(world, image_id) == [f"instance/{instance_id}"]
    refused = code_of(world.ec2.delete_snapshot, SnapshotId=snapshot_id)
    assert refused == "InvalidSnapshot.InUse"
    assert code_of(world.ec2.deregister_image, ImageId=image_id) == "OK"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"ResourceTypes": []}, "InvalidParameterCombination"),
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
