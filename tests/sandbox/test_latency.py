"""How long EC2 takes in the sandbox, and what it says of its changes afterwards."""

import json
import urllib.request
from collections.abc import Iterator

import pytest

from sandbox.api.application import CONTROL_PATH
from sandbox.ec2.state.latency import AWS, Latency, Span, latency_named
from sandbox.errors import SandboxError
from tests.sandbox.api.conftest import World, world_of
from tests.strict_cloud import strict_cloud_opened

LONG_SECONDS = 300
"""Longer than any state lasts."""


@pytest.fixture
def slow_world() -> Iterator[World]:
    with strict_cloud_opened(latency=latency_named("aws", seed=7)) as opened:
        yield world_of(opened)


def wait_until_running(world: World, instance_id: str) -> None:
    """Go forward in small steps: what follows `running` is still to come then."""

    def is_running() -> bool:
        world.advance(0.5)
        return world.state(instance_id) == "running"

    world.wait_until(is_running)


def test_the_same_seed_gives_the_same_times_within_their_spans() -> None:
    first, again, other = (latency_named("aws", seed) for seed in (1, 1, 2))
    draws = {state: [first.seconds(state) for _ in range(50)] for state in AWS}
    assert draws == {state: [again.seconds(state) for _ in range(50)] for state in AWS}
    assert draws["pending"] != [other.seconds("pending") for _ in range(50)]
    for state, span in AWS.items():
        assert span.shortest <= min(draws[state]) < max(draws[state]) <= span.longest


def test_a_wrong_name_is_refused_with_the_choices() -> None:
    with pytest.raises(SandboxError, match=r"'slow': choose quick or aws"):
        latency_named("slow")


@pytest.mark.parametrize(("name", "at_least", "at_most"), [("quick", 3, 3), ("aws", 45, 90)])
def test_a_host_upgrades_itself_for_as_long_as_the_latency_says(
    name: str, at_least: float, at_most: float
) -> None:
    with strict_cloud_opened(latency=latency_named(name)) as opened:
        world = world_of(opened)
        instance_id = world.launch()["InstanceId"]
        assert at_least <= world.machines.upgrade_seconds[instance_id] <= at_most


def test_scaling_scales_each_span() -> None:
    doubled = Latency({"image": Span(1, 1, 1)}).scaled(2)
    assert doubled.seconds("image") == 2


def test_states_last_by_the_clouds_clock_and_nothing_sleeps(slow_world: World) -> None:
    instance_id = slow_world.launch()["InstanceId"]
    slow_world.advance(AWS["pending"].shortest - 1)
    assert slow_world.state(instance_id) == "pending"
    wait_until_running(slow_world, instance_id)
    assert slow_world.machines.running() == [], "a host is powered on after `running`"
    slow_world.advance(AWS["power-on"].longest)
    slow_world.wait_until(lambda: slow_world.machines.running() == [instance_id])
    slow_world.ec2.stop_instances(InstanceIds=[instance_id])
    slow_world.wait_until(lambda: slow_world.machines.running() == [])
    assert slow_world.state(instance_id) == "stopping"
    slow_world.advance(AWS["stopping"].longest)
    slow_world.wait_for_state(instance_id, "stopped")


def test_a_host_that_is_stopped_before_it_has_power_gets_none(slow_world: World) -> None:
    instance_id = slow_world.launch()["InstanceId"]
    wait_until_running(slow_world, instance_id)
    slow_world.ec2.stop_instances(InstanceIds=[instance_id])
    slow_world.advance(LONG_SECONDS)
    slow_world.wait_for_state(instance_id, "stopped")
    assert "boot" not in [words[0] for words in slow_world.machines.actions]


def test_the_snapshots_of_an_image_complete_together_and_then_it_is_available(
    slow_world: World,
) -> None:
    devices = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1}}]
    instance_id = slow_world.launch(BlockDeviceMappings=devices)["InstanceId"]
    for state, change in (("running", None), ("stopped", slow_world.ec2.stop_instances)):
        if change:
            change(InstanceIds=[instance_id])
        slow_world.advance(LONG_SECONDS)
        slow_world.wait_for_state(instance_id, state)
    image_id = slow_world.ec2.create_image(InstanceId=instance_id, Name="baked")["ImageId"]
    slow_world.wait_until(lambda: image_id in slow_world.machines.baked)
    slow_world.ec2.terminate_instances(InstanceIds=[instance_id])
    slow_world.advance(AWS["snapshot"].shortest - 1)
    snapshots = slow_world.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert [snapshot["State"] for snapshot in snapshots] == ["pending", "pending"]
    assert all(0 < int(snapshot["Progress"].rstrip("%")) < 100 for snapshot in snapshots)
    slow_world.advance(LONG_SECONDS)
    slow_world.advance(LONG_SECONDS)
    slow_world.wait_until(lambda: slow_world.image(image_id)["State"] == "available")
    slow_world.wait_for_state(instance_id, "terminated")
    ended = [
        record
        for record in slow_world.sandbox.cloud.state_log.records()
        if record.state == "completed"
    ]
    assert len({record.cloud_time for record in ended}) == 1
    assert len(ended) == 2


def test_changes_of_state_are_listed_with_their_time() -> None:
    with strict_cloud_opened() as opened:
        world = world_of(opened)
        volume_id = world.make_volume()
        instance_id = world.launch_running()
        world.ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdf")
        world.wait_until(lambda: world.devices_are_attached(instance_id))
        world.terminate(instance_id)
        with urllib.request.urlopen(f"{opened.endpoint_url}{CONTROL_PATH}changes") as answer:  # noqa: S310
            listed = json.load(answer)
    states = [entry["state"] for entry in listed if entry["id"] == instance_id]
    assert states == ["pending", "running", "shutting-down", "terminated"]
    of_volume = [(entry["kind"], entry["state"]) for entry in listed if entry["id"] == volume_id]
    assert of_volume == [
        ("volume", "creating"),
        ("volume", "available"),
        ("volume", "in-use"),
        ("attachment", "attaching"),
        ("attachment", "attached"),
        ("volume", "available"),
        ("attachment", "gone"),
    ]
    times = [entry["time"] for entry in listed]
    assert times == sorted(times)
