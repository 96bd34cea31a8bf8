"""How many requests EC2 takes with the latency of AWS, and how its clients get over that."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.clock import Clock
from sandbox.ec2.state.latency import Latency
from tests.ec2_actions import client, code_of
from tests.sandbox.api.conftest import World, world_of
from tests.strict_cloud import strict_cloud_opened

THROTTLED = "RequestLimitExceeded"
LIMITED = Latency(limits_requests=True).scaled(0.1)
IMAGE = {"MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}


@pytest.fixture
def world() -> Iterator[World]:
    """A cloud whose clock stands still unless a test puts it forward; calls are tried once."""
    with strict_cloud_opened(LIMITED, clock=Clock(lambda: 1_800_000_000.0)) as opened:
        yield world_of(opened, client("ec2", opened.endpoint_url, attempts=1))


def launches(world: World, count: int, **more: int) -> list[str]:
    parameters = {"ImageId": world.image_id, **IMAGE, **more}
    return [code_of(world.ec2.run_instances, **parameters) for _ in range(count)]


def test_a_launch_takes_one_of_five_tokens_and_two_come_back_each_second(world: World) -> None:
    assert launches(world, 7) == ["OK"] * 5 + [THROTTLED] * 2
    world.advance(1)
    assert launches(world, 3) == ["OK"] * 2 + [THROTTLED]
    world.advance(60)
    assert launches(world, 6) == ["OK"] * 5 + [THROTTLED], "a bucket never holds more"


def test_each_action_and_each_region_has_its_own_bucket(world: World) -> None:
    assert launches(world, 6)[-1] == THROTTLED
    assert code_of(world.ec2.describe_instances) == "OK"
    east = client("ec2", world.sandbox.endpoint_url, "us-east-1", attempts=1)
    assert code_of(east.describe_instances) == "OK"
    names = [code_of(world.ec2.start_instances, InstanceIds=["i-0123456789abcdef0"])] * 2
    assert THROTTLED not in names


def test_whoever_asks_for_everything_is_limited_sooner(world: World) -> None:
    everything = [code_of(world.ec2.describe_instances) for _ in range(51)]
    assert everything == ["OK"] * 50 + [THROTTLED]
    some = [{"Name": "instance-state-name", "Values": ["running"]}]
    filtered = [code_of(world.ec2.describe_instances, Filters=some) for _ in range(101)]
    assert filtered == ["OK"] * 100 + [THROTTLED]


def test_the_instances_of_a_launch_are_counted_besides_its_requests(world: World) -> None:
    world.fail("limit", code="L-1216C47A", value=4000)
    too_many = {"MinCount": 1001, "MaxCount": 1001, "ImageId": world.image_id, "DryRun": True}
    assert code_of(world.ec2.run_instances, InstanceType="t3.micro", **too_many) == THROTTLED
    few = {**too_many, "MinCount": 1, "MaxCount": 1}
    assert code_of(world.ec2.run_instances, InstanceType="t3.micro", **few) == "DryRunOperation"


def test_a_client_that_tries_again_gets_through(world: World) -> None:
    patient = client("ec2", world.sandbox.endpoint_url, attempts=2)

    def let_time_pass(parsed_response: dict[str, Any], **_: Any) -> None:
        """Bring one token back while the client waits."""
        if parsed_response.get("Error", {}).get("Code") == THROTTLED:
            world.advance(0.5)

    patient.meta.events.register("response-received.ec2.RunInstances", let_time_pass)
    launched = [patient.run_instances(ImageId=world.image_id, **IMAGE) for _ in range(7)]

    assert len({each["Instances"][0]["InstanceId"] for each in launched}) == 7
    codes = [call.code for call in world.sandbox.calls("RunInstances")]
    assert codes == ["OK"] * 5 + [THROTTLED, "OK"] * 2


def test_without_the_latency_of_aws_nothing_is_limited() -> None:
    with strict_cloud_opened() as opened:
        plain = world_of(opened, client("ec2", opened.endpoint_url, attempts=1))
        assert launches(plain, 8) == ["OK"] * 8
