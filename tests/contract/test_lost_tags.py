"""What a find says of things that do not show the tags that they must carry."""

import pytest

from notebake.attempt import remembering
from notebake.aws import instances, tags
from notebake.marks import mark
from notebake.records import Run
from tests.cloud_steps import carry_out_to
from tests.cloud_world import CloudWorld


@pytest.fixture
def run(world: CloudWorld) -> Run:
    run = world.new_run()
    carry_out_to(run, "launch_instance")
    return run


def builder_of(run: Run) -> str:
    found = instances.find_builder(run)
    assert found
    return found.id


def seal_of(run: Run) -> str | None:
    found = instances.find_builder(run)
    assert found
    return found.tags.get(tags.SEALED)


def test_a_tag_that_ec2_shows_late_counts_at_once_and_is_given_once(
    world: CloudWorld, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with remembering(run):
        mark(run, builder_of(run), {tags.SEALED: "sealing"})
        world.ec2.delete_tags(Resources=[builder_of(run)], Tags=[{"Key": tags.SEALED}])
        before = world.actions().count("CreateTags")

        assert seal_of(run) == "sealing"

    assert world.actions().count("CreateTags") == before
    assert "does not carry" not in caplog.text


def test_a_tag_whose_writer_was_killed_before_it_is_given_by_the_next_one(
    world: CloudWorld, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with remembering(run):
        mark(run, builder_of(run), {tags.SEALED: "sealing"})
        world.ec2.delete_tags(Resources=[builder_of(run)], Tags=[{"Key": tags.SEALED}])
    before = world.actions().count("CreateTags")
    with remembering(run):
        assert [seal_of(run), seal_of(run)] == ["sealing", "sealing"]

    assert world.actions().count("CreateTags") == before + 1
    assert caplog.text.count(f"does not carry {tags.SEALED}:") == 1


def test_who_only_looks_sees_it_and_changes_nothing(world: CloudWorld, run: Run) -> None:
    machine_id = builder_of(run)
    world.ec2.delete_tags(Resources=[machine_id])
    before = world.actions().count("CreateTags")

    found = instances.find_builder(run)

    assert found
    assert (found.id, found.tags[tags.RUN], found.tags[tags.ROLE]) == (
        machine_id,
        run.id,
        "builder",
    )
    assert world.actions().count("CreateTags") == before
