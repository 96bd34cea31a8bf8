"""One-time EventBridge schedules that terminate an instance after its lease.

They also terminate a machine that never booted, or is stopped. They need a role that EventBridge
Scheduler may assume (`scheduler_role` in the recipe).
"""

import datetime
import hashlib
import json
import re
from typing import Any

from notebake.aws.clients import calling, connect
from notebake.aws.model import Resource, Stack
from notebake.aws.names import SCHEDULE_PREFIX, name_of_schedule
from notebake.aws.partitions import partition_of
from notebake.aws.permissions import SURVEYS, needs
from notebake.aws.policies import DESCRIBE, SCHEDULER, Statement
from notebake.errors import CloudError
from notebake.timestamps import parse_timestamp

GRACE = datetime.timedelta(minutes=15)
"""Added to the lease, so that the machine's own switch comes first: it logs its reason."""
TERMINATE = "scheduler:::aws-sdk:ec2:terminateInstances"
"""The universal target for TerminateInstances, without its partition (EventBridge Scheduler user
guide, "Universal targets")."""
SCHEDULE_ENDS = Statement(
    SCHEDULER,
    "ScheduleEnds",
    "one schedule for each machine",
    (f"arn:*:scheduler:*:*:schedule/default/{SCHEDULE_PREFIX}*",),
)
HAND_OVER_ROLE = Statement(
    SCHEDULER,
    "HandOverRole",
    "that role, to EventBridge Scheduler only",
    ("arn:*:iam::*:role/notebake-scheduler",),
    {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
    own=lambda run: [str(run.scheduler_role)],
)
DESCRIPTION = re.compile(r"notebake ends (i-[0-9a-f]+) of run (\S+)")
AT = re.compile(r"at\((\S+)\)")


def terminate_target(region: str) -> str:
    """Return the ARN of the target that terminates instances of a region."""
    return f"arn:{partition_of(region)}:{TERMINATE}"


@needs("scheduler:CreateSchedule", SCHEDULE_ENDS)
@needs("scheduler:UpdateSchedule", SCHEDULE_ENDS)
@needs("iam:PassRole", HAND_OVER_ROLE)
def ensure_schedule(stack: Stack, instance_id: str, expires: datetime.datetime) -> None:
    """Schedule the termination of an instance soon after it expires, or move the schedule.

    Does nothing if the recipe names no role.

    Raises:
        CloudError: AWS refused, for instance because of the role.
    """
    role = stack.scheduler_role
    if role is None:
        return
    wanted = _wanted(stack, instance_id, (expires + GRACE).astimezone(datetime.UTC), role)
    scheduler = connect("scheduler", stack.region)
    token = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    try:
        with calling(f"schedule the end of {instance_id}"):
            scheduler.create_schedule(**wanted, ClientToken=token)
    except CloudError as error:
        if error.code != "ConflictException":
            raise
        # An update resets all parameters that are not given to their defaults.
        with calling(f"move the end of {instance_id}"):
            scheduler.update_schedule(**wanted, ClientToken=token)


def delete_schedule(stack: Stack, instance_id: str) -> None:
    """Delete the schedule of a terminated instance. May be repeated."""
    if stack.scheduler_role is not None:
        remove_schedule(name_of_schedule(stack.id, instance_id), stack.region)


@needs("scheduler:DeleteSchedule", SCHEDULE_ENDS)
def remove_schedule(name: str, region: str) -> bool:
    """Delete a schedule by its name, if it exists; return whether it did."""
    try:
        with calling(f"delete the schedule {name}"):
            connect("scheduler", region).delete_schedule(Name=name)
    except CloudError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return False
    return True


@needs("scheduler:ListSchedules", DESCRIBE, only_for=SURVEYS, or_with=SCHEDULER)
def list_schedules(region: str, run_id: str = "") -> list[Resource]:
    """Return our schedules in a region, by their names, as they have no tags."""
    scheduler = connect("scheduler", region)
    with calling(f"list the schedules in {region}"):
        pages = scheduler.get_paginator("list_schedules").paginate(NamePrefix=SCHEDULE_PREFIX)
        names = [schedule["Name"] for page in pages for schedule in page["Schedules"]]
        described = [_describe(scheduler, name) for name in names]
    found = [_as_resource(schedule, region) for schedule in described if schedule]
    return [schedule for schedule in found if schedule and run_id in ("", schedule.run_id)]


@needs("scheduler:GetSchedule", SCHEDULE_ENDS)
def _describe(scheduler: Any, name: str) -> dict[str, Any] | None:
    """Return a schedule in full; None if it has been deleted, as happens after its execution."""
    try:
        return dict(scheduler.get_schedule(Name=name))
    except scheduler.exceptions.ResourceNotFoundException:
        return None


def _as_resource(found: dict[str, Any], region: str) -> Resource | None:
    """Return the Resource for a schedule; None if it is not ours."""
    description = DESCRIPTION.fullmatch(found.get("Description") or "")
    at = AT.fullmatch(found["ScheduleExpression"])
    target = found["Target"]
    if description is None or at is None or target["Arn"] != terminate_target(region):
        return None
    moment = parse_timestamp(at[1])
    return Resource(
        kind="schedule",
        id=found["Name"],
        name=found["Name"],
        state=str(found.get("State", "")).lower(),
        run_id=description[2],
        expires=moment.isoformat(timespec="seconds") if moment else "",
        region=region,
        made_at=found.get("CreationDate"),
        owners=tuple(json.loads(target.get("Input") or "{}").get("InstanceIds", [])),
    )


def _wanted(stack: Stack, instance_id: str, at: datetime.datetime, role: str) -> dict[str, Any]:
    return {
        "Name": name_of_schedule(stack.id, instance_id),
        "Description": f"notebake ends {instance_id} of run {stack.id}",
        "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": terminate_target(stack.region),
            "RoleArn": role,
            "Input": json.dumps({"InstanceIds": [instance_id]}),
        },
    }
