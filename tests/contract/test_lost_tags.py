"""What a step finds if resources do not show the tags that they must carry."""

import pytest

from notebake.aws import tags
from notebake.aws.model import Instance
from notebake.ledger.chain import Writer
from notebake.resources import stack_instances
from notebake.runs.run import Run
from notebake.runs.run_record import recording_run
from notebake.runs.tag_repair import tag_resource
from tests.cloud_steps import carry_out_to
from tests.cloud_world import CloudWorld


@pytest.fixture
def run(world: CloudWorld) -> Run:
    run = world.new_run()
    carry_out_to(run, "launch_instance")
    return run


def builder_of(run: Run) -> Instance:
    found = stack_instances.find_builder(run)
    assert found
    return found


def seal_of(run: Run) -> str:
    return builder_of(run).tags[tags.SEALED]


def mark_and_lose(world: CloudWorld, run: Run) -> None:
    """Tag the builder, and let EC2 not show it."""
    machine_id = builder_of(run).id
    tag_resource(run, machine_id, {tags.SEALED: "sealing"})
    world.ec2.delete_tags(Resources=[machine_id], Tags=[{"Key": tags.SEALED}])


def test_a_tag_that_ec2_shows_late_counts_at_once_and_is_written_once(
    world: CloudWorld, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with recording_run(run, Writer()):
        mark_and_lose(world, run)
        before = world.actions().count("CreateTags")

        assert seal_of(run) == "sealing"

    assert world.actions().count("CreateTags") == before
    assert "has lost the tags" not in caplog.text


def test_a_tag_missing_after_a_kill_is_written_by_the_next_execution(
    world: CloudWorld, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with recording_run(run, Writer()):
        mark_and_lose(world, run)
    before = world.actions().count("CreateTags")
    with recording_run(run, Writer()):
        assert [seal_of(run), seal_of(run)] == ["sealing", "sealing"]

    assert world.actions().count("CreateTags") == before + 1
    assert caplog.text.count(f"has lost the tags {tags.SEALED}:") == 1


def test_a_read_only_caller_finds_it_and_changes_nothing(world: CloudWorld, run: Run) -> None:
    machine_id = builder_of(run).id
    world.ec2.delete_tags(Resources=[machine_id])
    before = world.actions().count("CreateTags")

    found = builder_of(run)

    shown = found.id, found.tags[tags.RUN], found.tags[tags.ROLE]
    assert shown == (machine_id, run.id, "builder")
    assert world.actions().count("CreateTags") == before
