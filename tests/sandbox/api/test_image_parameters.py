"""SSM parameters of the data type aws:ec2:image: answered at once, checked later.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
"""

from typing import Any

import pytest

from sandbox.ec2.state import base_images
from tests.ec2_actions import REGION, client, code_of
from tests.sandbox.api.conftest import UBUNTU, World

NAME = "/golden/ocean"
JAMMY = base_images.image_id(base_images.RELEASES[1], REGION)
LONG_SECONDS = 60


def put(world: World, value: str, **more: Any) -> int:
    """Put an image into the parameter; return the version that is answered."""
    given = {"DataType": "aws:ec2:image", "Overwrite": True, "Type": "String", **more}
    answer = client("ssm", world.sandbox.endpoint_url).put_parameter(
        Name=NAME, Value=value, **given
    )
    return int(answer["Version"])


def shown(world: World) -> str:
    """Return what the parameter shows; the code if it shows nothing."""
    ssm = client("ssm", world.sandbox.endpoint_url)
    if (code := code_of(ssm.get_parameter, Name=NAME)) != "OK":
        return code
    return str(ssm.get_parameter(Name=NAME)["Parameter"]["Value"])


def test_a_value_is_seen_only_after_its_check(world: World) -> None:
    world.fail("slow", service="ssm", action="PutParameter", seconds=30)
    assert put(world, UBUNTU) == 1
    assert shown(world) == "ParameterNotFound"
    world.advance(LONG_SECONDS)
    assert shown(world) == UBUNTU
    assert put(world, JAMMY) == 2
    assert shown(world) == UBUNTU
    world.advance(LONG_SECONDS)
    assert shown(world) == JAMMY


@pytest.mark.parametrize("wrong", ["ami-0123456789abcdef0", "no image at all"])
def test_what_is_no_image_is_answered_with_success_and_never_seen(world: World, wrong: str) -> None:
    put(world, wrong)
    world.advance(LONG_SECONDS)
    assert shown(world) == "ParameterNotFound"
    put(world, UBUNTU)
    world.advance(LONG_SECONDS)
    assert put(world, wrong) == 2
    world.advance(LONG_SECONDS)
    assert shown(world) == UBUNTU
    assert put(world, JAMMY) == 2, "a value that failed its check is no version"


def test_an_image_that_is_not_available_yet_is_never_seen(world: World) -> None:
    instance_id = world.launch_running()
    world.stop(instance_id)
    world.fail("slow", action="CreateImage", seconds=1000)
    image_id = world.ec2.create_image(InstanceId=instance_id, Name="ocean")["ImageId"]
    put(world, image_id)
    world.advance(LONG_SECONDS)
    assert world.image(image_id)["State"] == "pending"
    assert shown(world) == "ParameterNotFound"


def test_a_check_can_fail_and_hang_on_request(world: World) -> None:
    failed = world.fail("fail", service="ssm", action="PutParameter", times=1)
    put(world, UBUNTU)
    world.advance(LONG_SECONDS)
    hanging = world.fail("slow", service="ssm", action="PutParameter", times=1)
    put(world, UBUNTU)
    world.advance(24 * 3600)
    assert shown(world) == "ParameterNotFound"
    assert (world.fired(failed), world.fired(hanging)) == (1, 1)


def test_the_data_type_of_a_parameter_stays(world: World) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-data-types.html"""
    put(world, "text", DataType="text")
    ssm = client("ssm", world.sandbox.endpoint_url)
    given = {"Name": NAME, "Value": UBUNTU, "Overwrite": True, "Type": "String"}
    assert code_of(ssm.put_parameter, **given, DataType="aws:ec2:image") == "ValidationException"
    assert shown(world) == "text"


def test_a_parameter_that_names_an_image_refers_to_it(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html"""
    put(world, UBUNTU)
    world.advance(LONG_SECONDS)
    asked = {"ImageIds": [UBUNTU, JAMMY], "IncludeAllResourceTypes": True}
    (found,) = world.ec2.describe_image_references(**asked)["ImageReferences"]
    assert (found["ImageId"], found["ResourceType"]) == (UBUNTU, "ssm:Parameter")
    assert found["Arn"].endswith(":parameter/golden/ocean")
    put(world, JAMMY)
    world.advance(LONG_SECONDS)
    (found,) = world.ec2.describe_image_references(**asked)["ImageReferences"]
    assert found["ImageId"] == JAMMY


@pytest.mark.parametrize("name", ["ocean", "/ocean"])
def test_a_name_of_one_part_is_a_name_too(world: World, name: str) -> None:
    ssm = client("ssm", world.sandbox.endpoint_url)
    put_it = {"Name": name, "Type": "String", "DataType": "aws:ec2:image", "Overwrite": True}
    for version, image in enumerate((UBUNTU, JAMMY), 1):
        assert ssm.put_parameter(Value=image, **put_it)["Version"] == version
        world.advance(LONG_SECONDS)
        assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == image
    assert code_of(ssm.put_parameter, **put_it | {"Value": UBUNTU, "DataType": "text"}) == (
        "ValidationException"
    )
