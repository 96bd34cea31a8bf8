"""EC2 is not ready yet: what is retried, what passes by itself, and what is not launched again."""

from dataclasses import dataclass

import pytest

from notebake import clock
from notebake.aws import images, instances
from notebake.aws.inventory import list_resources
from notebake.aws.removal import remove_resource
from notebake.errors import CapacityError, CloudError, ResourceLostError
from notebake.images.image_state import current_image
from notebake.ledger.attempt import Attempt
from notebake.resources import stack_instances
from notebake.runbook.step import retry_when_lost
from notebake.runs.attempt_store import list_attempts
from notebake.runs.lock import hold_run
from notebake.runs.run import Run
from notebake.timeouts import CONSISTENCY_SECONDS, IMAGE_SECONDS
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from tasks import launch_instance, request_image
from tests.cloud_steps import carry_out_before, carry_out_to, undo_all, wait_until_settled
from tests.cloud_world import REGION, CallRecorder, CloudWorld

SNAPSHOT_RATE = "SnapshotCreationPerVolumeRateExceeded"


@pytest.fixture
def run(world: CloudWorld) -> Run:
    return world.new_run()


def builder_id(run: Run) -> str:
    builder = stack_instances.find_builder(run)
    assert builder is not None
    return builder.id


def states(run: Run, name: str) -> list[str]:
    return [attempt.state for attempt in list_attempts(run, name)]


@pytest.mark.parametrize("code", ["IncorrectInstanceState", SNAPSHOT_RATE, "InternalFailure"])
def test_creating_an_image_is_retried_until_ec2_is_ready(
    world: CloudWorld, run: Run, code: str
) -> None:
    carry_out_before(run, "request_image")
    name = world.sandbox.fail("refuse", action="CreateImage", code=code, times=3)

    request_image.make(run)

    assert world.sandbox.fired(name) == 3
    assert states(run, "image") == ["made"]


def test_a_launch_waits_for_a_pending_image(world: CloudWorld, run: Run) -> None:
    carry_out_before(run, "launch_acceptance")
    name = world.sandbox.fail(
        "refuse", action="RunInstances", code="InvalidAMIID.Unavailable", times=3
    )

    carry_out_to(run, "launch_acceptance")

    assert world.sandbox.fired(name) == 3


def test_waiting_for_an_image_that_is_never_ready_times_out(world: CloudWorld, run: Run) -> None:
    carry_out_before(run, "launch_instance")
    world.sandbox.fail("refuse", action="RunInstances", code="InvalidAMIID.Unavailable")
    began = clock.elapsed()

    with pytest.raises(CloudError, match=r"InvalidAMIID\.Unavailable"):
        launch_instance.make(run)

    assert clock.elapsed() - began > CONSISTENCY_SECONDS
    assert states(run, "builder-1") == ["refused"]


def test_a_start_waits_for_a_pending_image_longer_than_ec2_may_be_late(
    world: CloudWorld, run: Run
) -> None:
    carry_out_to(run, "stop_builder")
    name = world.sandbox.fail("refuse", action="StartInstances", code="IncorrectInstanceState")
    began, waited = clock.elapsed(), 2 * CONSISTENCY_SECONDS

    @dataclass
    class Lifts(CallRecorder):
        """Lets nothing go wrong any more after a while."""

        def before(self, call: Call) -> Reply | None:
            if clock.elapsed() - began > waited:
                world.sandbox.cloud.faults.remove(name)
            return super().before(call)

    with world.intercepting(Lifts("StartInstances")):
        instances.start_instance(builder_id(run), REGION, ready_seconds=IMAGE_SECONDS)

    assert clock.elapsed() - began > waited
    assert instances.wait_for_state(builder_id(run), REGION, "running")


@pytest.mark.parametrize("power", [instances.stop_instance, instances.start_instance])
def test_a_terminated_machine_is_not_waited_for(world: CloudWorld, run: Run, power: object) -> None:
    carry_out_to(run, "launch_instance")
    ended = builder_id(run)
    instances.terminate_instances([ended], REGION)
    for action in ("StopInstances", "StartInstances"):
        world.sandbox.fail("refuse", action=action, code="IncorrectInstanceState")
    began = clock.elapsed()

    with pytest.raises(ResourceLostError, match=f"{ended} is terminated"):
        power(ended, REGION)  # type: ignore[operator]

    assert clock.elapsed() - began < CONSISTENCY_SECONDS


@pytest.mark.parametrize("remove", ["with its image", "by a sweep"])
def test_a_snapshot_whose_image_was_just_deregistered_is_deleted_once_it_is_free(
    world: CloudWorld, run: Run, remove: str
) -> None:
    carry_out_to(run, "wait_for_image")
    name = world.sandbox.fail(
        "refuse", action="DeleteSnapshot", code="InvalidSnapshot.InUse", times=3
    )

    if remove == "by a sweep":
        found = [
            resource
            for resource in list_resources(REGION)
            if resource.kind in ("image", "snapshot")
        ]
        for resource in sorted(found, key=lambda resource: resource.kind):
            remove_resource(resource)
    else:
        image = current_image(run)
        assert image
        images.remove_image(image, REGION)

    assert world.sandbox.fired(name) == 3
    assert [
        resource.id for resource in list_resources(REGION) if resource.kind in ("image", "snapshot")
    ] == []


def test_a_snapshot_that_stays_in_use_names_its_user(world: CloudWorld, run: Run) -> None:
    carry_out_to(run, "wait_for_image")
    message = "snap-1 is currently in use by ami-0123"
    world.sandbox.fail(
        "refuse", action="DeleteSnapshot", code="InvalidSnapshot.InUse", message=message
    )
    image = current_image(run)
    assert image

    with pytest.raises(CloudError, match=message):
        images.remove_image(image, REGION)


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("Client.InternalError", "Client error on launch", "kms describe-key"),
        ("Client.InvalidKMSKey.InvalidState", "The KMS key is disabled", "kms describe-key"),
        ("Client.VolumeLimitExceeded", "Volume limit exceeded", "Correct"),
    ],
)
def test_a_launch_that_ec2_could_not_fulfil_is_not_repeated(
    world: CloudWorld, run: Run, code: str, message: str, hint: str
) -> None:
    name = world.sandbox.fail("never_boots", action="RunInstances", code=code, message=message)

    with pytest.raises(CloudError, match=code) as caught:
        launch_and_wait(run)

    assert message in caught.value.message
    assert hint in caught.value.hint
    assert not caught.value.is_transient
    assert world.sandbox.fired(name) == 1, "no machine after the other"
    world.sandbox.cloud.faults.remove()
    launch_and_wait(run)
    assert len(world.sandbox.calls("RunInstances")) == 3, "the first, its replay, and a new one"


def launch_and_wait(run: Run) -> None:
    carry_out_before(run, "launch_instance")
    machine = launch_instance.make(run)
    instances.wait_for_state(machine.id, REGION, "running")


def test_a_launch_that_failed_by_ec2_s_fault_is_repeated(world: CloudWorld, run: Run) -> None:
    name = world.sandbox.fail(
        "never_boots", action="RunInstances", code="Server.InternalError", times=1
    )

    retry_when_lost(lambda: launch_and_wait(run))

    assert world.sandbox.fired(name) == 1


CREATING = {
    "ImportKeyPair": ("import_key_pair", "key-pair-builder"),
    "CreateSecurityGroup": ("open_ssh", "security-group"),
    "RunInstances": ("launch_instance", "builder-1"),
    "CreateImage": ("request_image", "image"),
}


@pytest.mark.parametrize("action", CREATING)
def test_an_attempt_stays_open_until_the_outcome_of_a_gateway_error_is_known(
    world: CloudWorld, run: Run, action: str
) -> None:
    """The call took effect behind the gateway; then something else is refused."""
    step, name = CREATING[action]
    carry_out_before(run, step)
    lost = world.sandbox.fail("lose_after", action=action, status=504, times=1)
    denied = world.sandbox.fail("refuse", action=action, code="UnauthorizedOperation", skip=1)

    with hold_run(run), pytest.raises(CloudError, match="UnauthorizedOperation") as caught:
        carry_out_to(run, step)

    assert (world.sandbox.fired(lost), world.sandbox.fired(denied)) == (1, 1)
    assert caught.value.is_outcome_unknown
    assert states(run, name) == ["open"]
    world.sandbox.cloud.faults.remove()
    undo_all(run)
    assert list_resources(REGION) == []


@pytest.mark.parametrize("status", [502, 504])
def test_permanent_gateway_errors_leave_the_attempt_open(
    world: CloudWorld, run: Run, status: int
) -> None:
    carry_out_before(run, "launch_instance")
    world.sandbox.fail("lose_before", action="RunInstances", status=status)

    with hold_run(run), pytest.raises(CloudError, match=str(status)) as caught:
        launch_instance.make(run)

    assert caught.value.is_transient
    assert states(run, "builder-1") == ["open"]
    (kept,) = list_attempts(run, "builder-1")
    assert isinstance(kept, Attempt)
    assert kept.may_still_appear


def test_a_capacity_error_after_a_gateway_error_is_ec2_s_answer(
    world: CloudWorld, run: Run
) -> None:
    """The token tells EC2 what was sent before: what it says then holds for both."""
    carry_out_before(run, "launch_instance")
    where = {"zone": "us-west-2a", "instance_type": "m5.large"}
    world.sandbox.fail("lose_before", action="RunInstances", status=504, times=1, where=where)
    world.sandbox.fail(
        "refuse", action="RunInstances", code="InsufficientInstanceCapacity", where=where
    )

    launch_instance.make(run)

    assert states(run, "builder-1") == ["refused", "made"]


@pytest.mark.parametrize("code", ["InsufficientVolumeCapacity", "InsufficientAddressCapacity"])
def test_any_capacity_error_makes_the_launch_try_another_place(
    world: CloudWorld, run: Run, code: str
) -> None:
    carry_out_before(run, "launch_instance")
    name = world.sandbox.fail("refuse", action="RunInstances", code=code, times=2)

    launch_instance.make(run)

    assert world.sandbox.fired(name) == 2
    assert states(run, "builder-1") == ["refused", "refused", "made"]
    world.sandbox.cloud.faults.remove()
    world.sandbox.fail("refuse", action="RunInstances", code=code)
    other = world.new_run()
    carry_out_before(other, "launch_instance")
    with pytest.raises(CapacityError, match=code):
        launch_instance.make(other)


def test_the_console_of_a_non_nitro_type_is_read_without_latest(
    world: CloudWorld, run: Run
) -> None:
    old = run.model_copy(
        update={"recipe": run.recipe.model_copy(update={"instance_types": ("m4.large",)})}
    )
    carry_out_to(old, "launch_instance")

    assert isinstance(instances.read_console(builder_id(old), REGION), str)
    calls = world.sandbox.calls("GetConsoleOutput")
    assert [call.code for call in calls] == ["UnsupportedOperation", "OK"]


def test_disks_that_appear_after_their_machine_are_waited_for(world: CloudWorld, run: Run) -> None:
    carry_out_to(run, "launch_instance")
    name = world.sandbox.fail("linger", action="TerminateInstances", seconds=90)

    instances.terminate_instances([builder_id(run)], REGION)

    wait_until_settled(run)
    assert world.sandbox.fired(name) == 1
    shown = [resource for resource in list_resources(REGION) if resource.kind == "volume"]
    assert len(shown) == 2
    world.sandbox.advance(90)
    assert [resource for resource in list_resources(REGION) if resource.kind == "volume"] == []
