"""The image: created once, never replaced once accepted, removed with all that belongs to it."""

from dataclasses import replace

import pytest

from notebake import clock
from notebake.aws import tagging, tags
from notebake.aws.inventory import list_resources
from notebake.aws.model import Image
from notebake.aws.names import name_of_image
from notebake.aws.shared_describe import MAX_AGE_SECONDS
from notebake.errors import CloudError, NameTakenError, PreflightError, ResourceLostError
from notebake.images import run_image
from notebake.images.image_state import current_image, usable_image
from notebake.preflight.checks import check_everything
from notebake.recipe import Efs, Software
from notebake.resources import stack_instances
from notebake.resources.leftovers import find_leftovers
from notebake.runbook.step import carry_out
from notebake.runs.run import Run
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from tasks import launch_instance, request_image, wait_for_image
from tests.cloud_steps import (
    CLOUD_STEPS,
    carry_out_before,
    carry_out_to,
    seal,
    step_named,
    undo_all,
)
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall


@pytest.fixture
def run(world: CloudWorld) -> Run:
    run = world.new_run()
    carry_out_to(run, "wait_for_image")
    return run


def image_of(run: Run) -> Image:
    image = current_image(run)
    assert image is not None
    return image


def accept(run: Run) -> Image:
    """Mark the run's image as accepted, as its last step does."""
    image = image_of(run)
    tagging.add_tags(REGION, [image.id, *image.snapshot_ids], {tags.ACCEPTED: "now"})
    return image


def test_an_unaccepted_image_is_removed_with_its_snapshots(world: CloudWorld, run: Run) -> None:
    assert len(image_of(run).snapshot_ids) == 2

    undo_all(run)

    assert list_resources(REGION) == []
    assert world.sandbox.machines.images() == ["base"]
    assert not world.sandbox.machines.snapshots


def test_an_image_says_where_its_servers_mount_efs(world: CloudWorld, run: Run) -> None:
    assert tags.EFS not in image_of(run).tags
    efs = [Efs(file_system_id="fs-01234567", mount_point=path) for path in ("/shared", "/class")]
    shared = world.new_run(RECIPE.model_copy(update={"efs": tuple(efs)}))

    carry_out_to(shared, "wait_for_image")

    assert image_of(shared).tags[tags.EFS] == "/shared /class"


def test_only_an_accepted_image_and_its_snapshots_stay(run: Run) -> None:
    accept(run)

    undo_all(run)

    assert sorted(resource.kind for resource in list_resources(REGION)) == [
        "image",
        "snapshot",
        "snapshot",
    ]
    assert find_leftovers(run) == []
    assert run_image.find_image(run) is not None


def test_an_accepted_image_is_never_replaced(world: CloudWorld, run: Run) -> None:
    image = accept(run)
    changed = RECIPE.model_copy(update={"software": Software(packages=("xarray",))})

    with pytest.raises(CloudError, match=f"{image.id} is accepted"):
        request_image.make(run.model_copy(update={"recipe": changed}))

    assert world.actions().count("CreateImage") == 1
    assert "DeregisterImage" not in world.actions()


def test_an_image_of_an_older_recipe_is_removed_before_the_next_is_created(run: Run) -> None:
    old = image_of(run)
    changed = run.model_copy(
        update={"recipe": RECIPE.model_copy(update={"jupyter_port": 9999})},
    )
    assert usable_image(changed) is None
    seal(changed)

    made = request_image.make(changed)

    assert made.id != old.id
    kinds = [resource.kind for resource in list_resources(REGION, run.id)]
    assert kinds.count("image") == 1
    assert kinds.count("snapshot") == 2
    undo_all(changed)
    assert list_resources(REGION) == []


def test_snapshots_that_lost_their_image_are_removed(world: CloudWorld, run: Run) -> None:
    assert image_of(run)
    stuck = RefusedCall("DeleteSnapshot", "UnauthorizedOperation", status=403)
    with world.intercepting(stuck), pytest.raises(CloudError, match="remove snap-"):
        request_image.undo(run)
    assert stuck.fired == 1
    assert run_image.find_image(run) is None
    assert [resource.kind for resource in list_resources(REGION, run.id)].count("snapshot") == 2

    request_image.undo(run)

    assert [resource.kind for resource in list_resources(REGION, run.id)].count("snapshot") == 0


def test_orphaned_snapshots_are_removed_when_the_image_is_accepted(
    world: CloudWorld, run: Run
) -> None:
    stuck = RefusedCall("DeleteSnapshot", "UnauthorizedOperation", status=403)
    with world.intercepting(stuck), pytest.raises(CloudError):
        request_image.undo(run)
    assert stuck.fired

    for name in ("request_image", "wait_for_image"):
        carry_out(step_named(name), run)
    accept(run)
    undo_all(run)

    assert find_leftovers(run) == []


class HidesSnapshotIds:
    """Describes an image as EC2 may while it is pending: its snapshots are not named yet."""

    fired = 0

    def before(self, call: Call) -> None:
        del call

    def after(self, call: Call, reply: Reply) -> Reply:
        if call.action != "DescribeImages" or b"<snapshotId>" not in reply.body:
            return reply
        self.fired += 1
        body = b"".join(
            part.partition(b"</snapshotId>")[2] if number else part
            for number, part in enumerate(reply.body.split(b"<snapshotId>"))
        )
        headers = [header for header in reply.headers if header[0].lower() != "content-length"]
        return Reply(reply.status, headers, body)


def test_a_pending_image_is_removed_with_its_unlisted_snapshots(
    world: CloudWorld, run: Run
) -> None:
    with world.intercepting(HidesSnapshotIds()) as hides:
        assert image_of(run).snapshot_ids == ()
        request_image.undo(run)

    assert hides.fired
    assert [resource.kind for resource in list_resources(REGION, run.id)].count("snapshot") == 0


def test_a_taken_image_name_is_detected_before_anything_is_made(
    world: CloudWorld, run: Run
) -> None:
    mine = world.new_run()
    builder = stack_instances.find_builder(run)
    assert builder is not None
    world.ec2.create_image(InstanceId=builder.id, Name=name_of_image(mine.id))

    for step in CLOUD_STEPS[2:]:
        with pytest.raises(NameTakenError, match="has the name"):
            carry_out(step, mine)
    with pytest.raises(PreflightError, match="has the name"):
        check_everything(mine)

    assert list_resources(REGION, mine.id) == []


def test_somebody_else_s_image_of_our_name_is_not_adopted(world: CloudWorld, run: Run) -> None:
    mine = world.new_run()
    carry_out_before(mine, "request_image")
    builder, other = stack_instances.find_builder(mine), stack_instances.find_builder(run)
    assert builder is not None
    assert other is not None
    world.ec2.create_image(InstanceId=other.id, Name=name_of_image(mine.id))

    with pytest.raises(NameTakenError):
        run_image.request_image(mine, builder.id, [], {})


def test_a_failed_image_is_reported_and_replaced(world: CloudWorld, run: Run) -> None:
    image = image_of(run)
    world.sandbox.cloud.region(REGION).images[image.id].state = "failed"
    clock.pause(MAX_AGE_SECONDS)

    assert wait_for_image.find(run) is None
    with pytest.raises(ResourceLostError, match=f"EC2 failed to create {image.id}"):
        wait_for_image.make(run)
    assert usable_image(run) is None

    assert request_image.make(run).id != image.id


def test_an_image_without_delete_on_termination_is_refused(world: CloudWorld, run: Run) -> None:
    image = world.sandbox.cloud.region(REGION).images[image_of(run).id]
    image.mapping[:] = [replace(device, delete_on_termination=False) for device in image.mapping]
    clock.pause(MAX_AGE_SECONDS)

    with pytest.raises(CloudError, match="would keep these disks"):
        wait_for_image.make(run)


def test_a_finished_run_launches_no_builder(run: Run) -> None:
    image = accept(run)
    undo_all(run)

    assert carry_out(launch_instance.STEP, run).result == image_of(run)
    assert image_of(run).id == image.id
