"""Snapshots ahead of the image: made once, waited for, an aid that may fail, and removed."""

import logging

import pytest

from notebake.aws import tagging, tags
from notebake.aws.inventory import list_resources
from notebake.images import early_snapshots, run_image
from notebake.images.early_snapshots import find_snapshots, wait_until_copied
from notebake.recipe import Volume
from notebake.resources import leftovers, stack_instances
from notebake.resources.retention import assess
from notebake.runs.run import Run
from tasks import request_image, snapshot_disks
from tests.cloud_steps import carry_out_before, carry_out_to, undo_all
from tests.cloud_world import RECIPE, REGION, CloudWorld, LostAnswer, RefusedCall


@pytest.fixture
def run(world: CloudWorld) -> Run:
    """A run with a builder."""
    run = world.new_run()
    carry_out_to(run, "launch_instance")
    return run


def take(run: Run) -> list[str]:
    """Take the snapshots of the run's builder, which has no host; return their ids."""
    builder = stack_instances.find_builder(run)
    assert builder
    done = snapshot_disks.take_snapshots(run, builder)
    return [] if done.detail == "none" else done.detail.split()


def all_of_ec2(world: CloudWorld) -> list[str]:
    shown = world.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    return sorted(snapshot["SnapshotId"] for snapshot in shown)


def test_each_new_disk_gets_one_and_a_second_make_takes_none(world: CloudWorld, run: Run) -> None:
    assert snapshot_disks.find(run) is None
    made = take(run)
    builder = stack_instances.find_builder(run)
    assert builder
    assert sorted(take(run)) == sorted(made) == all_of_ec2(world)
    assert {each.volume_id for each in find_snapshots(run)} == set(builder.volume_ids.values())
    assert len(made) == 1 + len(RECIPE.volumes)
    found = snapshot_disks.find(run)
    assert found
    assert found.detail.split() == made


def test_disks_that_stay_out_of_the_image_get_none(world: CloudWorld) -> None:
    out = Volume(name="scratch", mount_point="/scratch", size_gib=1, in_image=False)
    run = world.new_run(RECIPE.model_copy(update={"volumes": (out,)}))
    carry_out_to(run, "launch_instance")
    assert len(take(run)) == 1


@pytest.mark.parametrize("times", [1, 9999], ids=["once", "for good"])
def test_a_lost_answer_doubles_no_snapshot(world: CloudWorld, run: Run, times: int) -> None:
    with world.intercepting(LostAnswer("CreateSnapshot", times)) as loses:
        take(run)
    assert loses.fired >= 1
    assert sorted(take(run)) == all_of_ec2(world)
    assert len(all_of_ec2(world)) == 1 + len(RECIPE.volumes)


@pytest.mark.parametrize(
    "code", ["UnauthorizedOperation", "SnapshotLimitExceeded", "ConcurrentSnapshotLimitExceeded"]
)
def test_a_refused_snapshot_only_makes_the_image_slower(
    world: CloudWorld, run: Run, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = RefusedCall("CreateSnapshot", code, status=400)
    with world.intercepting(refusal), caplog.at_level(logging.WARNING):
        assert take(run) == []
    assert refusal.fired
    assert "Without this snapshot the image takes longer" in caplog.text
    assert code in caplog.text
    carry_out_before(run, "request_image")
    assert request_image.make(run)


def test_a_failed_snapshot_only_makes_the_image_slower(world: CloudWorld, run: Run) -> None:
    fault = world.sandbox.fail("fail", action="CreateSnapshot")
    take(run)
    builder = stack_instances.find_builder(run)
    assert builder
    wait_until_copied(run, builder)
    assert {each.state for each in find_snapshots(run)} == {"error"}
    assert world.sandbox.fired(fault)
    assert snapshot_disks.find(run), "a second one would fail as well"
    carry_out_before(run, "request_image")
    assert request_image.make(run)


def test_the_image_is_requested_when_they_are_complete(run: Run) -> None:
    take(run)
    carry_out_before(run, "request_image")
    request_image.make(run)
    early = {each.id: each.state for each in find_snapshots(run)}
    assert set(early.values()) == {"completed"}
    image = run_image.find_image(run)
    assert image
    assert not set(image.snapshot_ids) & set(early), "the image's snapshots are its own"
    run_image.remove_orphan_snapshots(run)
    assert {each.id for each in find_snapshots(run)} == set(early)


def test_a_wait_that_takes_too_long_ends_with_a_word(
    world: CloudWorld,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(early_snapshots, "EARLY_SNAPSHOT_SECONDS", 0.2)
    world.sandbox.fail("slow", action="CreateSnapshot", seconds=36000)
    take(run)
    builder = stack_instances.find_builder(run)
    assert builder
    with caplog.at_level(logging.WARNING):
        wait_until_copied(run, builder)
    assert "Requesting the image all the same" in caplog.text


def test_they_are_ours_temporary_and_removed(world: CloudWorld, run: Run) -> None:
    made = take(run)
    found = {each.id: each for each in list_resources(REGION, run.id)}
    assessed = {each.resource.id: each for each in assess(found.values(), before=None)}
    assert all(assessed[snapshot_id].may_go for snapshot_id in made)
    assert set(made) <= {each.id for each in leftovers.find_leftovers(run)}
    snapshot_disks.undo(run)
    assert all_of_ec2(world) == []
    snapshot_disks.undo(run)
    undo_all(run)
    assert list_resources(REGION) == []


def test_one_that_lost_its_tags_is_found_and_removed(world: CloudWorld, run: Run) -> None:
    made = take(run)
    world.ec2.delete_tags(Resources=made)
    assert sorted(take(run)) == sorted(made)
    snapshot_disks.undo(run)
    assert all_of_ec2(world) == []


def test_a_snapshot_of_another_volume_with_our_tags_is_not_ours(
    world: CloudWorld, run: Run
) -> None:
    (first, *_) = take(run)
    marks = next(each for each in list_resources(REGION, run.id) if each.id == first).tags
    zone = world.ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    volume_id = world.ec2.create_volume(Size=1, AvailabilityZone=zone)["VolumeId"]
    world.ec2.get_waiter("volume_available").wait(VolumeIds=[volume_id])
    strange = world.ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    tagging.add_tags(REGION, [strange], {**marks, tags.BUILDER: "i-0123456789abcdef0"})
    found = {each.id: each for each in list_resources(REGION, run.id)}
    (assessed,) = [
        each for each in assess(found.values(), before=None) if each.resource.id == strange
    ]
    assert not assessed.may_go
    assert strange not in [each.id for each in find_snapshots(run)]
    snapshot_disks.undo(run)
    assert all_of_ec2(world) == [strange]
