"""EventBridge Scheduler: one-time schedules that stop or terminate instances, by the clock."""

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from tests.ec2_actions import client, code_of
from tests.sandbox.api.conftest import World

TARGET = "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"


def scheduler_of(world: World) -> Any:
    return client("scheduler", world.sandbox.endpoint_url)


def schedule(world: World, instance_id: str, seconds: float = 3600, **more: Any) -> dict[str, Any]:
    """Describe a schedule that ends an instance so many seconds from now."""
    zone = more.pop("zone", "UTC")
    due = world.sandbox.cloud.clock.now().astimezone(ZoneInfo(zone)) + timedelta(seconds=seconds)
    target = {
        "Arn": more.pop("target", TARGET),
        "RoleArn": "arn:aws:iam::123456789012:role/scheduler",
        "Input": json.dumps({"InstanceIds": [instance_id]}),
        **more.pop("policy", {}),
    }
    return {
        "Name": f"end-{instance_id}",
        "ScheduleExpression": f"at({due:%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": target,
        **more,
    }


def names(world: World) -> list[str]:
    return [schedule["Name"] for schedule in scheduler_of(world).list_schedules()["Schedules"]]


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Kolkata"])
def test_an_instance_ends_when_its_time_has_come_and_the_schedule_goes(
    world: World, zone: str
) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-delete.html"""
    instance_id, other_id = world.launch_running(), world.launch_running()
    scheduler_of(world).create_schedule(**schedule(world, instance_id, zone=zone))
    world.advance(3590)
    assert (world.state(instance_id), len(names(world))) == ("running", 1)
    world.advance(20)
    world.wait_for_state(instance_id, "terminated")
    assert (world.state(other_id), names(world)) == ("running", [])
    assert len(world.sandbox.calls("TerminateInstances")) == 1


def test_it_ends_what_never_booted_and_what_is_stopped(world: World) -> None:
    world.fail("slow", action="RunInstances", times=1)
    stuck = world.launch()["InstanceId"]
    stopped = world.launch_running()
    world.stop(stopped)
    for instance_id in (stuck, stopped):
        scheduler_of(world).create_schedule(**schedule(world, instance_id))
    assert world.state(stuck) == "pending"
    world.advance(3601)
    for instance_id in (stuck, stopped):
        world.wait_for_state(instance_id, "terminated")


def test_an_instance_can_be_stopped_by_schedule(world: World) -> None:
    instance_id = world.launch_running()
    target = "arn:aws:scheduler:::aws-sdk:ec2:stopInstances"
    scheduler_of(world).create_schedule(**schedule(world, instance_id, target=target))
    world.advance(3601)
    world.wait_for_state(instance_id, "stopped")


def test_nobody_needs_to_call_for_a_schedule_to_run(world: World) -> None:
    instance_id = world.launch_running()
    scheduler_of(world).create_schedule(**schedule(world, instance_id, 2))
    world.sandbox.cloud.clock.advance(2)
    world.wait_until(lambda: world.machines.roots == {})


def test_a_name_is_taken_once_but_a_repeated_request_is_the_same_one(world: World) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""
    instance_id = world.launch_running()
    scheduler = scheduler_of(world)
    parameters = schedule(world, instance_id, ClientToken="one")
    first = scheduler.create_schedule(**parameters)["ScheduleArn"]
    assert scheduler.create_schedule(**parameters)["ScheduleArn"] == first
    assert code_of(scheduler.create_schedule, **parameters | {"ClientToken": "two"}) == (
        "ConflictException"
    )
    world.fail("lose_after", service="scheduler", action="CreateSchedule", times=1)
    other = schedule(world, instance_id, Name="other")
    assert code_of(scheduler.create_schedule, **other) == "OK", "botocore repeats it with its token"
    assert len(names(world)) == 2


def test_an_update_moves_the_time_and_sets_all_that_it_does_not_say(world: World) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html"""
    instance_id = world.launch_running()
    scheduler = scheduler_of(world)
    scheduler.create_schedule(**schedule(world, instance_id))
    later = schedule(world, instance_id, 7200)
    del later["ActionAfterCompletion"]
    scheduler.update_schedule(**later)
    shown = scheduler.get_schedule(Name=later["Name"])
    assert shown["ActionAfterCompletion"] == "NONE"
    world.advance(3700)
    assert world.state(instance_id) == "running"
    world.advance(3600)
    world.wait_for_state(instance_id, "terminated")
    assert names(world) == [later["Name"]], "without DELETE it stays, and is spent"
    world.advance(7200)
    assert len(world.sandbox.calls("TerminateInstances")) == 1


def test_a_schedule_that_is_deleted_or_disabled_does_nothing(world: World) -> None:
    deleted, disabled = world.launch_running(), world.launch_running()
    scheduler = scheduler_of(world)
    for instance_id in (deleted, disabled):
        scheduler.create_schedule(**schedule(world, instance_id))
    scheduler.delete_schedule(Name=f"end-{deleted}")
    assert code_of(scheduler.delete_schedule, Name=f"end-{deleted}") == "ResourceNotFoundException"
    scheduler.update_schedule(**schedule(world, disabled, State="DISABLED"))
    world.advance(7200)
    assert [world.state(instance_id) for instance_id in (deleted, disabled)] == [
        "running",
        "running",
    ]


def test_a_target_that_is_refused_is_tried_again(world: World) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html"""
    instance_id = world.launch_running()
    name = world.fail("refuse", action="TerminateInstances", code="RequestLimitExceeded", times=2)
    scheduler_of(world).create_schedule(**schedule(world, instance_id))
    world.advance(3601)
    assert (world.state(instance_id), world.fired(name)) == ("running", 1)
    world.advance(60)
    assert (world.state(instance_id), world.fired(name)) == ("running", 2)
    world.advance(120)
    world.wait_for_state(instance_id, "terminated")
    assert names(world) == []


def test_a_target_that_is_refused_for_good_is_dropped_and_said(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    instance_id = world.launch_running(DisableApiTermination=True)
    policy = {"RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 86400}}
    scheduler_of(world).create_schedule(**schedule(world, instance_id, policy=policy))
    for _ in range(4):
        world.advance(3601)
    assert world.state(instance_id) == "running"
    assert len(world.sandbox.calls("TerminateInstances")) == 2
    assert names(world) == []
    assert [
        message
        for message in caplog.messages
        if "was dropped" in message and "OperationNotPerm" in message
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"ScheduleExpression": "at(2030-13-01T00:00:00)"},
        {"ScheduleExpression": "tomorrow"},
        {"ScheduleExpressionTimezone": "Mars/Olympus"},
        {"Name": "a:b"},
    ],
)
def test_a_schedule_that_says_nothing_sensible_is_refused(
    world: World, change: dict[str, str]
) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""
    parameters = schedule(world, "i-0123456789abcdef0") | change
    assert code_of(scheduler_of(world).create_schedule, **parameters) == "ValidationException"


def test_a_time_that_has_gone_by_never_comes(world: World) -> None:
    """AWS does not say what becomes of it; so nothing may be built on its coming."""
    instance_id = world.launch_running()
    scheduler_of(world).create_schedule(**schedule(world, instance_id, -60))
    world.advance(7200)
    assert world.state(instance_id) == "running"


STOP = "arn:aws:scheduler:::aws-sdk:ec2:stopInstances"


def start(world: World, instance_id: str) -> None:
    world.ec2.start_instances(InstanceIds=[instance_id])
    world.wait_for_state(instance_id, "running")


def test_a_recurring_schedule_runs_each_day_at_its_local_time(world: World) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""
    instance_id = world.launch_running()
    zone = ZoneInfo("America/Los_Angeles")
    local = world.sandbox.cloud.clock.now().astimezone(zone) + timedelta(hours=2)
    daily = schedule(world, instance_id, target=STOP, zone=str(zone))
    daily["ScheduleExpression"] = f"cron({local.minute} {local.hour} * * ? *)"
    scheduler_of(world).create_schedule(**daily)
    for _ in range(2):
        world.advance(3000)
        assert world.state(instance_id) == "running"
        world.advance(86400 - 3000)
        world.wait_for_state(instance_id, "stopped")
        start(world, instance_id)
    assert names(world) == [daily["Name"]], "a recurring schedule never completes"
    assert len(world.sandbox.calls("StopInstances")) == 2


def test_a_failed_call_of_a_recurring_schedule_is_repeated_and_the_next_day_comes(
    world: World,
) -> None:
    instance_id = world.launch_running()
    name = world.fail("refuse", action="StopInstances", code="RequestLimitExceeded", times=2)
    due = world.sandbox.cloud.clock.now() + timedelta(hours=1)
    daily = schedule(world, instance_id, target=STOP)
    daily["ScheduleExpression"] = f"cron({due.minute} {due.hour} * * ? *)"
    scheduler_of(world).create_schedule(**daily)
    world.advance(3700)
    assert (world.fired(name), world.state(instance_id)) == (1, "running")
    world.advance(300)
    world.advance(300)
    world.wait_for_state(instance_id, "stopped")
    assert world.fired(name) == 2
    start(world, instance_id)
    world.advance(86400 - 600)
    world.wait_for_state(instance_id, "stopped")


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("rate(1 day)", "does not run rate"),
        ("cron(0 19 * * *)", "6 fields are needed"),
        ("cron(0 19 * * * *)", "must be ?"),
        ("cron(0 24 * * ? *)", "from 0 to 23"),
        ("cron(0 19 L * ? *)", "not known to the sandbox"),
        ("cron(0 19 ? * 0 *)", "from 1 to 7"),
        ("cron(0 19-17 * * ? *)", "not valid"),
    ],
)
def test_an_expression_that_cannot_be_run_is_refused(
    world: World, expression: str, reason: str
) -> None:
    wanted = schedule(world, "i-0123456789abcdef0", ScheduleExpression=expression)
    with pytest.raises(ClientError, match=reason):
        scheduler_of(world).create_schedule(**wanted)
    assert names(world) == []


def test_a_recurring_schedule_leaves_out_what_is_due_before_its_start(world: World) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html, StartDate:
    "invocations might occur on, or after, the StartDate".
    """
    instance_id = world.launch_running()
    due = world.sandbox.cloud.clock.now() + timedelta(hours=1)
    daily = schedule(world, instance_id, target=STOP)
    daily["ScheduleExpression"] = f"cron({due.minute} {due.hour} * * ? *)"
    scheduler_of(world).create_schedule(**daily)
    scheduler_of(world).update_schedule(**daily, StartDate=due + timedelta(hours=2))
    assert scheduler_of(world).get_schedule(Name=daily["Name"])["StartDate"] > due
    world.advance(3 * 3600)
    assert world.state(instance_id) == "running"
    world.advance(22 * 3600)
    world.wait_for_state(instance_id, "stopped")
    assert len(world.sandbox.calls("StopInstances")) == 1


def test_a_recurring_schedule_stops_at_its_end_and_a_single_one_knows_no_dates(
    world: World,
) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""
    ended, once = world.launch_running(), world.launch_running()
    due = world.sandbox.cloud.clock.now() + timedelta(hours=1)
    daily = schedule(world, ended, target=STOP, EndDate=due - timedelta(minutes=30))
    daily["ScheduleExpression"] = f"cron({due.minute} {due.hour} * * ? *)"
    scheduler_of(world).create_schedule(**daily)
    late = due + timedelta(days=9)
    scheduler_of(world).create_schedule(**schedule(world, once, target=STOP, StartDate=late))
    world.advance(2 * 86400)
    world.wait_for_state(once, "stopped")
    assert world.state(ended) == "running"


def test_a_start_that_has_long_gone_by_is_refused(world: World) -> None:
    """The five minutes and the message are AWS's: https://github.com/getmoto/moto/pull/8178."""
    early = world.sandbox.cloud.clock.now() - timedelta(minutes=6)
    daily = schedule(world, "i-0123456789abcdef0", target=STOP, StartDate=early)
    daily["ScheduleExpression"] = "cron(0 19 * * ? *)"
    with pytest.raises(ClientError, match="cannot be earlier than 5 minutes ago"):
        scheduler_of(world).create_schedule(**daily)
