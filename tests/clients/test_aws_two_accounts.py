"""The AWS command line, with the keys of two accounts, sees a shared image as on EC2."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.aws_line import AwsLine
from tests.clients.programs import find_or_skip
from tests.conformance.account import FRIEND
from tests.limits import HANG_SECONDS
from tests.sandbox.api.conftest import world_of
from tests.sandbox.bake_world import wait_for
from tests.strict_cloud import StrictCloud, strict_cloud_opened

HOME = "123456789012"


@pytest.fixture
def cloud() -> Iterator[StrictCloud]:
    with strict_cloud_opened() as opened:
        yield opened


def line_of(cloud: StrictCloud, folder: Path, access_key: str) -> AwsLine:
    """Return the program with the credentials of one account."""
    folder.mkdir()
    environment = {
        "SANDBOX": cloud.endpoint_url,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-west-2",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }
    return AwsLine(find_or_skip("The AWS command line", "aws", "--version"), folder, environment)


def test_an_image_is_shared_seen_launched_and_unshared(cloud: StrictCloud, tmp_path: Path) -> None:
    owner, friend = (
        line_of(cloud, tmp_path / name, key) for name, key in (("a", "testing"), ("b", FRIEND))
    )
    world = world_of(cloud)
    image = world.bake(world.launch_running(), TagSpecifications=tagged("image"))
    look = ("describe-images", "--image-ids", image)
    assert "(InvalidAMIID.NotFound)" in friend.refusal(*look)
    change = ("modify-image-attribute", "--image-id", image, "--launch-permission")
    owner.ask(*change, f"Add=[{{UserId={FRIEND}}}]")

    for options in (("--executable-users", "self"), ("--owners", HOME)):
        found = friend.ask("describe-images", *options, query="Images")
        assert [(each["ImageId"], each["OwnerId"]) for each in found] == [(image, HOME)]
        assert "Tags" not in found[0]
    assert owner.ask(*look, query="Images[0].Tags") == [{"Key": "colour", "Value": "blue"}]
    assert friend.ask("describe-images", "--owners", "self", query="Images") == []
    assert "(AuthFailure)" in friend.refusal("deregister-image", "--image-id", image)
    assert "(AuthFailure)" in friend.refusal(*change, f"Add=[{{UserId={FRIEND}}}]")
    launch = ("run-instances", "--image-id", image, "--instance-type", "t3.micro")
    machine = friend.ask(*launch, query="Instances[0].InstanceId")
    states = "Reservations[].Instances[].State.Name"
    mine = ("describe-instances", "--instance-ids", machine)
    wait_for(lambda: friend.ask(*mine, query=states) == ["running"], "it", HANG_SECONDS)
    assert "(InvalidInstanceID.NotFound)" in owner.refusal(*mine)

    owner.ask(*change, f"Remove=[{{UserId={FRIEND}}}]")
    assert "(InvalidAMIID.NotFound)" in friend.refusal(*look)
    assert "(InvalidAMIID.NotFound)" in friend.refusal(*launch)


def tagged(kind: str) -> list[dict[str, object]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "colour", "Value": "blue"}]}]
