"""One-time EventBridge schedules that end an instance whatever has become of everything else.

They are the only switch that also ends a machine which never booted, or is stopped. There are none
unless the recipe names a role that EventBridge Scheduler may take on (`scheduler_role`).
"""

import datetime
import hashlib
import json
import re
from typing import Any

from notebake.aws.clients import calling, connect
from notebake.aws.model import Resource
from notebake.aws.partitions import partition_of
from notebake.aws.permissions import SURVEYS, needs
from notebake.aws.policies import LOOK, SCHEDULER, Statement
from notebake.aws.stack import Stack
from notebake.errors import CloudError
from notebake.names import SCHEDULE_PREFIX, name_of_schedule
from notebake.timestamps import parse_timestamp

GRACE = datetime.timedelta(minutes=15)
"""After the lease: the machine's own switch comes first, as it says why on its console."""
TERMINATE = "scheduler:::aws-sdk:ec2:terminateInstances"
"""The universal target, but for its partition: any call of EC2's API, here TerminateInstances
(EventBridge Scheduler user guide, "Universal targets")."""
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
    """Have the instance terminated a little after it expires; a later call moves that moment.

    Does nothing where the recipe names no role for it.

    Raises:
        CloudError: AWS refused, such as for the role; then nothing but its own switch ends it.
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
        # An update puts back to its default whatever is not given again.
        with calling(f"move the end of {instance_id}"):
            scheduler.update_schedule(**wanted, ClientToken=token)


def delete_schedule(stack: Stack, instance_id: str) -> None:
    """Delete the schedule of an instance that is gone. May be repeated."""
    if stack.scheduler_role is not None:
        remove_schedule(name_of_schedule(stack.id, instance_id), stack.region)


@needs("scheduler:DeleteSchedule", SCHEDULE_ENDS)
def remove_schedule(name: str, region: str) -> None:
    """Delete a schedule by its name; one that is gone already is fine."""
    try:
        with calling(f"delete the schedule {name}"):
            connect("scheduler", region).delete_schedule(Name=name)
    except CloudError as error:
        if error.code != "ResourceNotFoundException":
            raise


@needs("scheduler:ListSchedules", LOOK, only_for=SURVEYS, or_with=SCHEDULER)
def list_schedules(region: str, run_id: str = "") -> list[Resource]:
    """Return our schedules in a region, of one run if given; they carry no tags but a name."""
    scheduler = connect("scheduler", region)
    with calling(f"list the schedules in {region}"):
        pages = scheduler.get_paginator("list_schedules").paginate(NamePrefix=SCHEDULE_PREFIX)
        names = [one["Name"] for page in pages for one in page["Schedules"]]
        described = [_describe(scheduler, name) for name in names]
    found = [_as_resource(one, region) for one in described if one]
    return [one for one in found if one and run_id in ("", one.run_id)]


@needs("scheduler:GetSchedule", SCHEDULE_ENDS)
def _describe(scheduler: Any, name: str) -> dict[str, Any] | None:
    """Return a schedule in full; None for one that is gone, as they go by themselves."""
    try:
        return dict(scheduler.get_schedule(Name=name))
    except scheduler.exceptions.ResourceNotFoundException:
        return None


def _as_resource(found: dict[str, Any], region: str) -> Resource | None:
    """Return the record of a schedule; None for one that only has a name like ours."""
    said = DESCRIPTION.fullmatch(found.get("Description") or "")
    at = AT.fullmatch(found["ScheduleExpression"])
    target = found["Target"]
    if said is None or at is None or target["Arn"] != terminate_target(region):
        return None
    moment = parse_timestamp(at[1])
    return Resource(
        kind="schedule",
        id=found["Name"],
        name=found["Name"],
        state=str(found.get("State", "")).lower(),
        run_id=said[2],
        expires=moment.isoformat(timespec="seconds") if moment else "",
        region=region,
        made_at=found.get("CreationDate"),
        owners=tuple(json.loads(target.get("Input") or "{}").get("InstanceIds", [])),
    )


def _wanted(stack: Stack, instance_id: str, at: datetime.datetime, role: str) -> dict[str, Any]:
    """Return the schedule as it should be."""
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
