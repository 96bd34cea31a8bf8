"""Launches: one machine for each request, repeated byte for byte, zone after zone."""

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from notebake import clock
from notebake.aws import instances, tags, volumes
from notebake.aws.inventory import list_resources
from notebake.aws.model import Image, Instance
from notebake.aws.shared_describe import MAX_AGE_SECONDS
from notebake.errors import CapacityError, CloudError, ResourceLostError, WaitTimeoutError
from notebake.recipe import Volume
from notebake.resources import stack_instances
from notebake.runs.run import Run
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from tasks import launch_acceptance, launch_instance, open_ssh
from tests.cloud_steps import carry_out_before, carry_out_to, wait_until_settled
from tests.cloud_world import (
    RECIPE,
    REGION,
    CallRecorder,
    CloudWorld,
    LostAnswer,
    RefusedCall,
)
from tests.limits import HANG_SECONDS

CLOCK_TIMES = 300
BUILDER = "launch_instance"
BUILDER_ROLE = "builder"


class Together:
    """Lets calls of an action pass only when so many of them have come."""

    def __init__(self, action: str, count: int) -> None:
        self.action, self.fired = action, 0
        self.barrier = threading.Barrier(count, timeout=HANG_SECONDS)

    def before(self, call: Call) -> None:
        if call.action == self.action:
            self.barrier.wait()
            self.fired += 1

    def after(self, call: Call, reply: Reply) -> Reply:
        del call
        return reply


@pytest.fixture
def run(world: CloudWorld) -> Run:
    run = world.new_run()
    carry_out_before(run, BUILDER)
    return run


def test_a_request_is_repeated_byte_for_byte(world: CloudWorld, run: Run) -> None:
    with (
        world.intercepting(LostAnswer("RunInstances", 9999)) as loses,
        pytest.raises(CloudError, match="InternalError"),
    ):
        launch_instance.make(run)
    assert loses.fired > 1
    changed = RECIPE.model_copy(update={"lease_hours": 9, "tags": {"Owner": "ada"}})

    with world.intercepting(ShowsNoMachines()) as hides:
        first = launch_instance.make(run.model_copy(update={"recipe": changed}))
    assert hides.fired

    digests = [call.parameters_digest for call in world.sandbox.calls("RunInstances")]
    assert len(digests) == loses.fired + 1
    assert len(set(digests)) == 1
    assert [instance.id for instance in stack_instances.find_instances(run, "builder")] == [
        first.id
    ]


def test_a_terminated_machine_is_replaced(world: CloudWorld, run: Run) -> None:
    first = launch_instance.make(run)
    wait_until_settled(run)
    with world.intercepting(CallRecorder("RunInstances")) as recorder:
        instances.terminate_instances([first.id], REGION)
        assert launch_instance.find(run) is None
        second = launch_instance.make(run)

    assert second.id != first.id
    replayed, fresh = (request["ClientToken"] for request in recorder.recorded)
    assert replayed != fresh
    assert launch_instance.make(run).id == second.id


def test_a_machine_of_a_run_ends_without_the_shutdown_of_its_system(
    world: CloudWorld, run: Run
) -> None:
    launched = launch_instance.make(run)
    with world.intercepting(CallRecorder("TerminateInstances")) as recorder:
        instances.terminate_instances([launched.id], REGION)
    assert [request.get("SkipOsShutdown") for request in recorder.recorded] == ["true"]
    assert [machine["State"]["Name"] for machine in all_machines(world)] == ["terminated"]


def test_a_machine_with_a_volume_that_outlives_it_is_shut_down_first(
    world: CloudWorld, run: Run
) -> None:
    launched = launch_instance.make(run)
    wait_until_settled(run)
    theirs = world.ec2.create_volume(Size=1, AvailabilityZone=launched.zone)["VolumeId"]
    world.ec2.get_waiter("volume_available").wait(VolumeIds=[theirs])
    volumes.attach_volume(theirs, launched.id, "/dev/sdp", REGION)

    with world.intercepting(CallRecorder("TerminateInstances")) as recorder:
        launch_instance.undo(run)

    assert [request.get("SkipOsShutdown") for request in recorder.recorded] == [None]
    wait_until_settled(run)
    (left,) = world.ec2.describe_volumes(VolumeIds=[theirs])["Volumes"]
    assert left["State"] == "available"


def test_a_type_that_must_be_shut_down_first_ends_all_the_same(world: CloudWorld) -> None:
    (image,) = world.ec2.describe_images(Owners=["099720109477"])["Images"][:1]
    launched = world.ec2.run_instances(
        ImageId=image["ImageId"], InstanceType="m4.large", MinCount=1, MaxCount=1
    )["Instances"][0]["InstanceId"]
    with world.intercepting(CallRecorder("TerminateInstances")) as recorder:
        instances.terminate_instances([launched], REGION)
    assert [request.get("SkipOsShutdown") for request in recorder.recorded] == ["true", None]
    assert [machine["State"]["Name"] for machine in all_machines(world)] == ["terminated"]


def all_machines(world: CloudWorld) -> list[dict[str, Any]]:
    """Return all machines as EC2 describes them."""
    found = world.ec2.describe_instances()["Reservations"]
    return [machine for reservation in found for machine in reservation["Instances"]]


def test_after_an_undo_a_new_machine_is_launched_at_once(world: CloudWorld, run: Run) -> None:
    first = launch_instance.make(run)
    launch_instance.undo(run)

    with world.intercepting(CallRecorder("RunInstances")) as recorder:
        second = launch_instance.make(run)

    assert len(recorder.recorded) == 1
    assert second.id != first.id


def test_a_capacity_error_tries_the_next_zone_then_the_next_type(
    world: CloudWorld, run: Run
) -> None:
    subnets = world.ec2.describe_subnets()["Subnets"]
    last = max(subnets, key=lambda subnet: subnet["AvailabilityZone"])["SubnetId"]

    def is_full(call: Call) -> bool:
        parameters = call.parameters
        return (parameters["InstanceType"], subnet_of(parameters)) != ("t3.large", last)

    full = RefusedCall("RunInstances", "InsufficientInstanceCapacity", is_full)
    with world.intercepting(CallRecorder("RunInstances")) as recorder, world.intercepting(full):
        machine = launch_instance.make(run)

    assert full.fired
    places = list(
        dict.fromkeys(
            (request["InstanceType"], subnet_of(request)) for request in recorder.recorded
        )
    )
    tried = [subnet for _, subnet in places]
    half = len(tried) // 2
    assert [kind for kind, _ in places] == ["m5.large"] * half + ["t3.large"] * half
    assert tried[:half] == tried[half:]
    assert len(set(tried)) == half > 1
    tokens = {
        (request["InstanceType"], subnet_of(request)): request["ClientToken"]
        for request in recorder.recorded
    }
    assert len(set(tokens.values())) == len(places), "each place has a token of its own"
    assert machine.instance_type == "t3.large"
    assert len(stack_instances.find_instances(run, "builder")) == 1


def test_without_capacity_anywhere_the_message_names_every_place(
    world: CloudWorld, run: Run
) -> None:
    full = RefusedCall("RunInstances", "InsufficientInstanceCapacity")
    with world.intercepting(full), pytest.raises(CapacityError) as caught:
        launch_instance.make(run)

    for place in ("m5.large in us-west-2a", "t3.large in us-west-2b"):
        assert place in caught.value.message
    assert f"notebake resume {run.id}" in str(caught.value)
    assert stack_instances.find_instances(run, "builder") == []
    assert launch_instance.make(run).instance_type == "m5.large", "it may be tried again"


@pytest.mark.parametrize("code", ["InternalError", "UnauthorizedOperation", "VcpuLimitExceeded"])
def test_other_errors_do_not_try_another_zone(world: CloudWorld, run: Run, code: str) -> None:
    broken = RefusedCall("RunInstances", code, status=500 if code == "InternalError" else 400)
    with (
        world.intercepting(CallRecorder("RunInstances")) as recorder,
        world.intercepting(broken),
        pytest.raises(CloudError) as caught,
    ):
        launch_instance.make(run)

    assert broken.fired
    assert (type(caught.value), caught.value.code) == (CloudError, code)
    assert len({subnet_of(request) for request in recorder.recorded}) == 1


def test_every_builder_disk_is_tagged_and_deleted_on_termination(
    world: CloudWorld, run: Run
) -> None:
    machine = launch_instance.make(run)

    found = world.ec2.describe_instances(InstanceIds=[machine.id])
    described = found["Reservations"][0]["Instances"][0]
    disks = [device["Ebs"] for device in described["BlockDeviceMappings"]]
    assert len(disks) == 2
    assert all(disk["DeleteOnTermination"] for disk in disks)
    assert described["MetadataOptions"]["HttpTokens"] == "required"
    kept = [resource for resource in list_resources(REGION, run.id) if resource.kind != "image"]
    assert {resource.kind for resource in kept} >= {"instance", "volume", "network interface"}
    assert all(resource.expires for resource in kept), "everything temporary says when it ends"


def test_no_machine_is_launched_into_a_deleted_group(world: CloudWorld, run: Run) -> None:
    open_ssh.undo(run)
    with pytest.raises(ResourceLostError, match="security group"):
        launch_instance.make(run)
    assert "RunInstances" not in world.actions()


def test_only_the_terminated_one_of_two_machines_is_replaced(world: CloudWorld) -> None:
    run = world.new_run()
    carry_out_to(run, "launch_acceptance")
    first, second = stack_instances.find_instances(run, "acceptance")
    instances.terminate_instances([first.id], REGION)
    assert launch_acceptance.find(run) is None

    launch_acceptance.make(run)

    found = launch_acceptance.find(run)
    assert found is not None
    assert not isinstance(found, Image)
    ids = {instance.id for instance in found.instances}
    assert second.id in ids
    assert first.id not in ids
    assert {instance.tags["notebake:number"] for instance in found.instances} == {"1", "2"}


def test_both_machines_from_an_image_are_requested_at_once(world: CloudWorld) -> None:
    run = world.new_run()
    carry_out_before(run, "launch_acceptance")

    with world.intercepting(Together("RunInstances", 2)) as together:
        launched = launch_acceptance.make(run)

    assert together.fired == 2
    assert {machine.tags["notebake:number"] for machine in launched.instances} == {"1", "2"}


def test_a_launch_with_a_lost_answer_is_repeated_in_the_same_place_first(
    world: CloudWorld, run: Run
) -> None:
    """The first zone is full, the second one's answer is lost; then the first one has room."""
    subnets = sorted(
        world.ec2.describe_subnets()["Subnets"], key=lambda subnet: subnet["AvailabilityZone"]
    )
    first, second = subnets[0]["SubnetId"], subnets[1]["SubnetId"]
    full = RefusedCall(
        "RunInstances",
        "InsufficientInstanceCapacity",
        lambda call: subnet_of(call.parameters) == first,
    )
    with (
        world.intercepting(full),
        world.intercepting(LostAnswer("RunInstances", 9999)) as loses,
        pytest.raises(CloudError, match="InternalError"),
    ):
        launch_instance.make(run)
    assert full.fired == 1
    assert loses.fired

    with (
        world.intercepting(ShowsNoMachines()) as hides,
        world.intercepting(CallRecorder("RunInstances")) as recorder,
    ):
        machine = launch_instance.make(run)

    assert hides.fired
    assert [subnet_of(request) for request in recorder.recorded] == [second]
    assert [instance.id for instance in stack_instances.find_instances(run, BUILDER_ROLE)] == [
        machine.id
    ]


def test_a_machine_that_ec2_shows_late_is_not_launched_again(world: CloudWorld, run: Run) -> None:
    first = launch_instance.make(run)

    with world.intercepting(ShowsNoMachines()) as hides:
        second = launch_instance.make(run)

    assert hides.fired
    assert second.id == first.id


def test_a_machine_that_ec2_never_shows_is_not_duplicated(world: CloudWorld, run: Run) -> None:
    hides = ShowsNoMachines(by_id=True)
    with world.intercepting(hides), pytest.raises(WaitTimeoutError, match="EC2 to show i-"):
        launch_instance.make(run)
    with world.intercepting(hides), pytest.raises(WaitTimeoutError, match="EC2 to show i-"):
        launch_instance.make(run)

    assert hides.fired
    assert len(stack_instances.find_launched(run, BUILDER_ROLE)) == 1


def test_a_machine_that_ec2_shows_late_is_terminated_by_undo(world: CloudWorld, run: Run) -> None:
    """Killed after the effect, before the answer; and EC2 shows nothing at first."""
    with (
        world.intercepting(LostAnswer("RunInstances", 9999)) as loses,
        pytest.raises(CloudError, match="InternalError"),
    ):
        launch_instance.make(run)
    assert loses.fired
    wait_until_settled(run)
    clock.pause(MAX_AGE_SECONDS)

    with world.intercepting(ShowsNoMachines(times=5, by_id=True)) as hides:
        launch_instance.undo(run)

    assert hides.fired == 5, "it was looked for again and again"
    assert stack_instances.find_instances(run, BUILDER_ROLE) == []


def test_a_machine_with_a_lost_answer_and_lost_tags_is_terminated_by_undo(
    world: CloudWorld, run: Run
) -> None:
    with (
        world.intercepting(LostAnswer("RunInstances", 9999)) as loses,
        pytest.raises(CloudError, match="InternalError"),
    ):
        launch_instance.make(run)
    assert loses.fired
    (machine,) = machines_of(world)
    world.ec2.delete_tags(Resources=[machine["InstanceId"]])
    assert stack_instances.find_instances(run, BUILDER_ROLE) == []

    launch_instance.undo(run)

    (machine,) = machines_of(world)
    assert machine["State"]["Name"] == "terminated"


def test_a_copy_launched_by_somebody_else_is_not_ours(world: CloudWorld, run: Run) -> None:
    machine = launch_instance.make(run)
    wait_until_settled(run)
    described = world.ec2.describe_instances(InstanceIds=[machine.id])
    copied = described["Reservations"][0]["Instances"][0]["Tags"]
    theirs = world.ec2.run_instances(
        ImageId=machine.image_id,
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": copied}],
    )["Instances"][0]["InstanceId"]

    assert [instance.id for instance in stack_instances.find_instances(run, BUILDER_ROLE)] == [
        machine.id
    ]
    launch_instance.undo(run)

    state = world.ec2.describe_instances(InstanceIds=[theirs])["Reservations"][0]["Instances"][0]
    assert state["State"]["Name"] in {"pending", "running"}


@pytest.mark.parametrize("change", ["another type", "another disk"])
def test_a_machine_that_the_recipe_no_longer_wants_is_replaced(run: Run, change: str) -> None:
    first = launch_instance.make(run)
    wait_until_settled(run)
    update: dict[str, Any] = {"instance_types": ("t3.large",)}
    if change == "another disk":
        update = {"volumes": (RECIPE.volumes[0].model_copy(update={"size_gib": 2}),)}
    changed = run.model_copy(update={"recipe": RECIPE.model_copy(update=update)})
    assert launch_instance.find(changed) is None

    second = launch_instance.make(changed)

    assert [instance.id for instance in stack_instances.find_instances(run, BUILDER_ROLE)] == [
        second.id
    ]
    assert second.id != first.id
    assert launch_instance.find(changed) is not None


def test_an_added_fallback_type_keeps_the_machine(run: Run) -> None:
    first = launch_instance.make(run)
    wider = RECIPE.model_copy(update={"instance_types": ("m6i.large", *RECIPE.instance_types)})

    found = launch_instance.find(run.model_copy(update={"recipe": wider}))

    assert isinstance(found, Instance)
    assert found.id == first.id


def machines_of(world: CloudWorld) -> list[dict[str, Any]]:
    """Return what EC2 shows of all machines there are."""
    found = world.ec2.describe_instances()["Reservations"]
    return [instance for reservation in found for instance in reservation["Instances"]]


@dataclass
class ShowsNoMachines:
    """Answers, so many times, that no instance carries the tags asked for, or has the id."""

    times: int = 9999
    by_id: bool = False
    fired: int = 0

    def before(self, call: Call) -> Reply | None:
        asked_by = call.parameters.get("Filter.1.Name")
        is_meant = call.action == "DescribeInstances" and (
            asked_by == f"tag:{tags.RUN}" or self.by_id
        )
        if not is_meant or self.fired == self.times:
            return None
        self.fired += 1
        body = b"<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
        return Reply(200, [("Content-Type", "text/xml")], body)

    def after(self, call: Call, reply: Reply) -> Reply:
        del call
        return reply


def subnet_of(parameters: dict[str, Any]) -> str:
    """Return the subnet that a request names."""
    return str(parameters["NetworkInterface.1.SubnetId"])


def test_an_existing_volume_fixes_only_the_builder_s_zone(world: CloudWorld) -> None:
    theirs = world.ec2.create_volume(Size=1, AvailabilityZone="us-west-2c", VolumeType="gp3")
    volume = Volume(name="mine", mount_point="/mine", volume_id=theirs["VolumeId"])
    run = world.new_run(RECIPE.model_copy(update={"volumes": (volume,)}))
    carry_out_before(run, "launch_acceptance")
    (builder,) = stack_instances.find_instances(run, BUILDER_ROLE)

    launch_acceptance.make(run)

    assert builder.zone == "us-west-2c"
    zones = {instance.zone for instance in stack_instances.find_instances(run, "acceptance")}
    assert zones == {"us-west-2a"}, "the first one that has room"
