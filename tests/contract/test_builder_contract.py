"""The builder is brought back to work from any state in which an earlier execution left it."""

from dataclasses import dataclass, field

import pytest

from flows.rewind import rewind
from notebake.aws import images, instances, tagging, tags
from notebake.aws.model import Instance
from notebake.errors import NotebakeError, ResourceLostError
from notebake.images import run_image
from notebake.images.image_state import current_image, is_finished, is_sealed
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Done, carry_out
from notebake.runs.lock import hold_run
from notebake.runs.run import Run
from notebake.waiting import interrupt_waits
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from tasks import request_image, restart_host, stop_builder, wait_for_host
from tests.cloud_steps import carry_out_to
from tests.cloud_world import REGION, CloudWorld

POWER = {"StopInstances", "StartInstances", "TerminateInstances"}


@dataclass
class StopsWaitingAtStart:
    """Interrupts whoever waits once an instance has been started: no real host answers here."""

    recorded: list[str] = field(default_factory=list)

    def before(self, call: Call) -> None:
        if call.action in POWER:
            self.recorded.append(call.action)

    def after(self, call: Call, reply: Reply) -> Reply:
        if call.action == "StartInstances":
            interrupt_waits()
        return reply


@pytest.fixture
def run(world: CloudWorld) -> Run:
    run = world.new_run()
    carry_out_to(run, "launch_instance")
    return run


def builder_of(run: Run) -> Instance:
    builder = stack_instances.find_builder(run)
    assert builder is not None
    return builder


def seal(run: Run, digest: str) -> None:
    tagging.add_tags(REGION, [builder_of(run).id], {tags.SEALED: digest})


@pytest.mark.parametrize("left", [tags.SEALING, "of-an-older-recipe"])
def test_a_running_sealed_builder_is_restarted(world: CloudWorld, run: Run, left: str) -> None:
    seal(run, left)
    assert wait_for_host.find(run) is None

    with world.intercepting(StopsWaitingAtStart()) as power, pytest.raises(InterruptedError):
        carry_out(wait_for_host.STEP, run)

    assert power.recorded == ["StopInstances", "StartInstances"]


def test_a_stopped_builder_is_started(world: CloudWorld, run: Run) -> None:
    carry_out(stop_builder.STEP, run)

    with world.intercepting(StopsWaitingAtStart()) as power, pytest.raises(InterruptedError):
        carry_out(wait_for_host.STEP, run)

    assert power.recorded == ["StartInstances"]


def test_a_sealed_builder_is_not_waited_for(run: Run) -> None:
    seal(run, step_digest(run.recipe, "clean_host"))

    found = wait_for_host.find(run)

    assert isinstance(found, Done)
    assert found.detail == f"{builder_of(run).id} is finished"


def start_again(run: Run) -> str:
    """Take the seal off as the restart does after its image was asked for; return the image."""
    image = current_image(run)
    assert image is not None
    marks = {tags.SEALED: "", tags.BAKED: image.id}
    tagging.add_tags(REGION, [builder_of(run).id], marks)
    return image.id


def test_a_restarted_builder_is_done_while_its_image_exists(run: Run) -> None:
    carry_out_to(run, "wait_for_image")
    start_again(run)
    assert not is_sealed(run, builder_of(run))
    assert is_finished(run, builder_of(run))

    image = current_image(run)
    assert image is not None
    images.remove_image(image, REGION)

    assert not is_finished(run, builder_of(run))


def test_no_image_is_made_of_a_restarted_builder(run: Run) -> None:
    carry_out_to(run, "wait_for_image")
    start_again(run)
    image = current_image(run)
    assert image is not None
    images.remove_image(image, REGION)

    with pytest.raises(ResourceLostError, match="sealed and stopped"):
        request_image.make(run)

    assert run_image.find_image(run) is None


def test_a_builder_restarts_only_after_its_snapshots_are_complete(
    world: CloudWorld, run: Run
) -> None:
    carry_out_to(run, "request_image")
    image = current_image(run)
    assert image is not None

    with world.intercepting(StopsWaitingAtStart()) as power, pytest.raises(InterruptedError):
        carry_out(restart_host.STEP, run)

    assert power.recorded == ["StartInstances"]
    assert run_image.count_started_snapshots(run, image.id) == len(builder_of(run).volume_ids) == 2
    assert run_image.count_started_snapshots(run, "ami-00000000000000000") == 0
    assert builder_of(run).tags[tags.SEALED] == ""
    assert builder_of(run).tags[tags.BAKED] == image.id


def test_a_proven_restart_recorded_on_the_image_counts_without_the_builder(
    run: Run,
) -> None:
    carry_out_to(run, "wait_for_image")
    image = current_image(run)
    assert image is not None
    assert restart_host.find(run) is None

    tagging.add_tags(REGION, [image.id], {tags.RESTARTED: step_digest(run.recipe, "restart_host")})
    instances.terminate_instances([builder_of(run).id], REGION)

    assert restart_host.find(run) is not None
    restart_host.forget_restart(run)
    assert restart_host.find(run) is None


def test_an_image_whose_builder_vanished_before_its_restart_is_made_again(run: Run) -> None:
    carry_out_to(run, "wait_for_image")
    instances.terminate_instances([builder_of(run).id], REGION)

    with pytest.raises(ResourceLostError, match="gone"):
        carry_out(restart_host.STEP, run)

    assert run_image.find_image(run) is None


def test_going_back_to_a_host_step_starts_a_stopped_builder(world: CloudWorld, run: Run) -> None:
    seal(run, step_digest(run.recipe, "clean_host"))
    carry_out_to(run, "wait_for_image")

    with world.intercepting(StopsWaitingAtStart()) as power, pytest.raises(InterruptedError):
        rewind(run, "run_notebook")

    assert power.recorded == ["StartInstances"]
    assert current_image(run) is None, "the image was made of what is done again"


def test_going_back_to_the_image_keeps_the_sealed_builder(world: CloudWorld, run: Run) -> None:
    seal(run, step_digest(run.recipe, "clean_host"))
    carry_out_to(run, "wait_for_image")

    with world.intercepting(StopsWaitingAtStart()) as power:
        rewind(run, "request_image")

    assert power.recorded == []
    assert is_sealed(run, builder_of(run))
    assert current_image(run) is None


def test_going_back_before_an_accepted_image_is_refused(run: Run) -> None:
    carry_out_to(run, "wait_for_image")
    image = current_image(run)
    assert image is not None
    tagging.add_tags(REGION, [image.id], {tags.ACCEPTED: "now"})

    with pytest.raises(NotebakeError, match=f"{image.id} is accepted already"):
        rewind(run, "run_notebook")


def test_going_back_to_an_unknown_step_lists_the_steps(run: Run) -> None:
    with pytest.raises(NotebakeError, match="no step run_notebok") as caught:
        rewind(run, "run_notebok")

    assert "run_notebook" in caught.value.hint


def test_going_back_in_a_run_being_executed_is_refused(run: Run) -> None:
    with hold_run(run), pytest.raises(NotebakeError, match="is being executed"):
        rewind(run, "request_image")
