"""How long EC2 takes in the sandbox, and what it says of its changes afterwards."""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest

from sandbox.api.application import CONTROL_PATH
from sandbox.clock import Clock
from sandbox.ec2.state.latency import AWS, QUICK, Latency, Span, latency_named
from sandbox.errors import SandboxError
from tests.ec2_actions import code_of
from tests.limits import HANG_SECONDS
from tests.sandbox.api.conftest import World, world_of
from tests.strict_cloud import strict_cloud_opened

LONG_SECONDS = 300
"""Longer than any state lasts."""
GIB = 2**30


@pytest.fixture
def slow_world() -> Iterator[World]:
    with strict_cloud_opened(latency=latency_named("aws", seed=7)) as opened:
        yield world_of(opened)


@pytest.fixture
def even_world() -> Iterator[World]:
    """A world in which a snapshot takes 10 s, and 20 s for each GiB; the clock stands still."""
    lasting = {"snapshot": Span(10, 10, 10), "snapshot-gib": Span(20, 20, 20)}
    even = Latency(dict.fromkeys(QUICK, Span(0, 0, 0)) | lasting, limits_requests=True)
    began = time.time()
    with strict_cloud_opened(latency=even, clock=Clock(lambda: began)) as opened:
        opened.machines.changed_bytes = GIB // 2
        yield world_of(opened)


def take_snapshot(world: World, volume_id: str, place: str = "") -> str:
    """Request a snapshot of a volume, perhaps of an instance, and wait until it is copied."""
    snapshot_id: str = world.ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    wait_for_work(world, place or volume_id)
    return snapshot_id


def wait_for_work(world: World, place: str) -> None:
    """Wait until what was to be done on a resource is done."""
    is_done = threading.Event()
    world.sandbox.cloud.later(place, is_done.set)
    assert is_done.wait(HANG_SECONDS)


def seconds_to_complete(world: World, *snapshot_ids: str) -> list[int]:
    """Return after how many seconds each snapshot was complete."""
    completed: dict[str, int] = {}
    for passed in range(LONG_SECONDS):
        for shown in world.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
            if shown["State"] == "completed":
                completed.setdefault(shown["SnapshotId"], passed)
        world.advance(1)
    return [completed[snapshot_id] for snapshot_id in snapshot_ids]


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


@pytest.mark.parametrize("was_stopped", [True, False])
def test_an_instance_ends_sooner_without_the_shutdown_of_its_system(was_stopped: bool) -> None:
    ends = {"shutting-down": Span(30, 30, 30), "shutting-down-at-once": Span(10, 10, 10)}
    with strict_cloud_opened(latency=Latency(dict.fromkeys(QUICK, Span(0, 0, 0)) | ends)) as opened:
        world = world_of(opened)
        slowly, at_once = world.launch_running(), world.launch_running()
        if was_stopped:
            world.stop(at_once)
        world.ec2.terminate_instances(InstanceIds=[slowly])
        world.ec2.terminate_instances(InstanceIds=[at_once], SkipOsShutdown=not was_stopped)
        for each in (slowly, at_once):
            wait_for_work(world, each)
        world.advance(9)
        assert [world.state(each) for each in (slowly, at_once)] == ["shutting-down"] * 2
        world.advance(2)
        world.wait_for_state(at_once, "terminated")
        assert world.state(slowly) == "shutting-down"
        world.advance(20)
        world.wait_for_state(slowly, "terminated")


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
    least = AWS["snapshot"].shortest + 2 * AWS["snapshot-gib"].shortest
    slow_world.advance(least - 1)
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


def test_a_snapshot_takes_longer_the_more_has_changed_since_the_last(even_world: World) -> None:
    volume_id = even_world.make_volume()
    first = take_snapshot(even_world, volume_id)
    assert seconds_to_complete(even_world, first) == [30]
    second = take_snapshot(even_world, volume_id)
    assert seconds_to_complete(even_world, second) == [20]


def test_a_snapshot_waits_for_the_older_ones_of_its_volume_also_for_a_deleted_one(
    even_world: World,
) -> None:
    volume_id, other = even_world.make_volume(), even_world.make_volume()
    deleted = take_snapshot(even_world, volume_id)
    even_world.advance(16)
    even_world.ec2.delete_snapshot(SnapshotId=deleted)
    late, alone = take_snapshot(even_world, volume_id), take_snapshot(even_world, other)
    assert seconds_to_complete(even_world, late, alone) == [14 + 30, 30]


def test_a_deleted_snapshot_spares_the_next_one_nothing(even_world: World) -> None:
    volume_id = even_world.make_volume()
    first = take_snapshot(even_world, volume_id)
    even_world.advance(LONG_SECONDS)
    even_world.ec2.delete_snapshot(SnapshotId=first)
    second = take_snapshot(even_world, volume_id)
    assert seconds_to_complete(even_world, second) == [30]


def test_an_image_is_quick_after_a_snapshot_of_its_root_and_refused_right_after_it(
    even_world: World,
) -> None:
    instance_id = even_world.launch_running()
    even_world.stop(instance_id)
    (device,) = even_world.instance(instance_id)["BlockDeviceMappings"]
    early = take_snapshot(even_world, device["Ebs"]["VolumeId"], instance_id)
    refused = code_of(even_world.ec2.create_image, InstanceId=instance_id, Name="soon")
    assert refused == "SnapshotCreationPerVolumeRateExceeded"
    assert seconds_to_complete(even_world, early) == [30]
    image_id = even_world.ec2.create_image(InstanceId=instance_id, Name="later")["ImageId"]
    wait_for_work(even_world, instance_id)
    (of_image,) = even_world.image(image_id)["BlockDeviceMappings"]
    assert seconds_to_complete(even_world, of_image["Ebs"]["SnapshotId"]) == [20]


def test_what_came_from_a_snapshot_of_ones_own_is_not_copied_again(even_world: World) -> None:
    own = take_snapshot(even_world, even_world.make_volume())
    even_world.advance(LONG_SECONDS)
    volume_id = even_world.make_volume(SnapshotId=own)
    assert seconds_to_complete(even_world, take_snapshot(even_world, volume_id)) == [20]


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
