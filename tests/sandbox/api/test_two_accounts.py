"""Several accounts in one cloud: whose call it is, and what each has for itself."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.__main__ import main
from tests.conformance.account import FRIEND
from tests.ec2_actions import client, code_of
from tests.sandbox.api.conftest import World, world_of
from tests.strict_cloud import StrictCloud, strict_cloud_opened

HOME = "123456789012"
SHARED = {"LaunchPermission": {"Add": [{"UserId": FRIEND}]}}


def friends_client(world: World, service: str = "ec2") -> Any:
    return client(service, world.sandbox.endpoint_url, account_id=FRIEND)


def friend_of(world: World) -> World:
    """Return the same cloud as the other account meets it."""
    return world_of(world.sandbox, friends_client(world))


def test_an_access_key_of_twelve_digits_is_its_account(world: World) -> None:
    told = client("sts", world.sandbox.endpoint_url).get_caller_identity()
    friends = friends_client(world, "sts").get_caller_identity()
    assert (told["Account"], friends["Account"]) == (HOME, FRIEND)
    assert f":{FRIEND}:" in friends["Arn"]


def test_the_command_env_gives_the_key_of_an_account(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env", "--account", FRIEND]) == 0
    assert f"AWS_ACCESS_KEY_ID={FRIEND} " in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["env", "--account", "4711"])


def test_a_token_is_its_accounts_own(world: World) -> None:
    friend = friend_of(world)
    first = world.launch(ClientToken="one")["InstanceId"]
    assert friend.launch(ClientToken="one", InstanceType="t3.large")["InstanceId"] != first
    assert world.launch(ClientToken="one")["InstanceId"] == first


def test_a_quota_is_its_accounts_own(world: World) -> None:
    world.fail("limit", code="L-1216C47A", value=2)
    assert code_of(world.launch) == "OK"
    assert code_of(world.launch) == "VcpuLimitExceeded"
    assert code_of(friend_of(world).launch) == "OK"


def test_a_schedule_ends_the_machine_of_its_own_account(world: World) -> None:
    friend = friend_of(world)
    mine, theirs = world.launch_running(), friend.launch_running()
    due = world.sandbox.cloud.clock.now() + timedelta(seconds=60)
    friends_client(world, "scheduler").create_schedule(
        Name="end",
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
            "RoleArn": f"arn:aws:iam::{FRIEND}:role/scheduler",
            "Input": json.dumps({"InstanceIds": [theirs]}),
        },
    )
    world.sandbox.advance(61)
    friend.wait_for_state(theirs, "terminated")
    assert world.state(mine) == "running"


def test_an_image_parameter_names_what_its_account_may_launch(world: World) -> None:
    machine = world.launch_running()
    image_id = world.bake(machine)
    ssm = friends_client(world, "ssm")
    put = {"Type": "String", "DataType": "aws:ec2:image", "Value": image_id}
    ssm.put_parameter(Name="/images/before", **put)
    world.sandbox.advance(60)
    world.ec2.modify_image_attribute(ImageId=image_id, **SHARED)
    ssm.put_parameter(Name="/images/after", **put)
    world.sandbox.advance(60)
    assert code_of(ssm.get_parameter, Name="/images/before") == "ParameterNotFound"
    assert ssm.get_parameter(Name="/images/after")["Parameter"]["Value"] == image_id


def test_images_of_all_accounts_outlive_a_restart_with_their_permissions(tmp_path: Path) -> None:
    def images_of(opened: StrictCloud, account_id: str) -> dict[str, str]:
        ec2 = client("ec2", opened.endpoint_url, account_id=account_id)
        owners = ["self", HOME]
        found = ec2.describe_images(Owners=owners)["Images"]
        return {image["ImageId"]: image["OwnerId"] for image in found}

    with strict_cloud_opened(home=tmp_path) as opened:
        world = world_of(opened)
        friend = friend_of(world)
        shared, kept = (world.bake(world.launch_running(), name) for name in ("shared", "kept"))
        world.ec2.modify_image_attribute(ImageId=shared, **SHARED)
        theirs = friend.bake(friend.launch_running(ImageId=shared))
    with strict_cloud_opened(home=tmp_path) as opened:
        assert images_of(opened, FRIEND) == {shared: HOME, theirs: FRIEND}
        assert images_of(opened, "") == {shared: HOME, kept: HOME}


def test_a_deprecated_image_is_shown_to_others_by_its_id_alone_and_still_launched(
    world: World,
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html

    "For AMI users, the deprecated AMI does not appear in DescribeImages API calls unless you
    specify its ID or specify that deprecated AMIs must appear."
    """
    friend, image_id = friend_of(world), world.bake(world.launch_running())
    world.ec2.modify_image_attribute(ImageId=image_id, **SHARED)
    at = world.sandbox.cloud.clock.now() + timedelta(minutes=1)
    world.ec2.enable_image_deprecation(ImageId=image_id, DeprecateAt=at)
    world.sandbox.advance(200)
    shared = {"ExecutableUsers": ["self"]}
    assert friend.ec2.describe_images(**shared)["Images"] == []
    (shown,) = friend.ec2.describe_images(**shared, IncludeDeprecated=True)["Images"]
    assert friend.image(image_id) == shown
    assert friend.launch_running(ImageId=image_id)
