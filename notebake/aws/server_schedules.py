"""EventBridge schedules that stop a server, outside of it: nobody on the machine can disable them.

They need a role that EventBridge Scheduler may assume (deployments/server-scheduler-role.json). A
schedule has no tags, so it is known by its name. The ledger of a run has none of them.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

import datetime
import json
from typing import Any

from notebake.aws import schedules
from notebake.aws.clients import calling, connect
from notebake.aws.names import SERVER_SCHEDULE_PREFIX
from notebake.aws.partitions import partition_of
from notebake.aws.permissions import needs
from notebake.aws.policies import Statement
from notebake.aws.server_calls import SERVERS, USE
from notebake.errors import CloudError
from notebake.record import Record

STOP = "scheduler:::aws-sdk:ec2:stopInstances"
"""The universal target for StopInstances, without its partition (EventBridge Scheduler user guide,
"Universal targets")."""
RETRIED_SECONDS = 3600
"""A refused stop is tried again for so long; hours later it would meet who has started again."""
END_SERVERS = Statement(
    USE,
    "ScheduleEndsOfServers",
    "`--scheduler-role`: the schedules that stop servers from outside",
    (f"arn:*:scheduler:*:*:schedule/default/{SERVER_SCHEDULE_PREFIX}*",),
)
HAND_OVER = Statement(
    USE,
    "HandOverServersRole",
    "the role that stops servers, to EventBridge Scheduler only",
    ("arn:*:iam::*:role/notebake-scheduler-servers",),
    {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
)


class StopSchedule(Record):
    """A schedule that stops one server."""

    name: str
    instance_id: str
    role: str
    expression: str
    """As `at(2026-12-01T09:00:00)` or `cron(0 19 * * ? *)`."""
    zone: str
    starts: datetime.datetime | None = None
    """Of a recurring one: what is due before that is left out."""
    is_enabled: bool = True


@needs("scheduler:CreateSchedule", END_SERVERS, only_for=SERVERS)
@needs("scheduler:UpdateSchedule", END_SERVERS, only_for=SERVERS)
@needs("iam:PassRole", HAND_OVER, only_for=SERVERS)
def put_schedule(wanted: StopSchedule, region: str) -> None:
    """Make a schedule, or change the one of its name. May be repeated.

    Raises:
        CloudError: AWS refused, for instance because of the role.
    """
    scheduler, parameters = connect("scheduler", region), schedule_parameters(wanted, region)
    try:
        with calling(f"schedule the stop of {wanted.instance_id}"):
            scheduler.create_schedule(**parameters)
    except CloudError as error:
        if error.code != "ConflictException":
            raise
        # An update resets all parameters that are not given to their defaults.
        with calling(f"move the stop of {wanted.instance_id}"):
            scheduler.update_schedule(**parameters)


@needs("scheduler:DeleteSchedule", END_SERVERS, only_for=SERVERS)
def remove_stop(name: str, region: str) -> bool:
    """Delete a schedule, if it exists; return whether it did."""
    return schedules.remove_schedule(name, region)


@needs("scheduler:GetSchedule", END_SERVERS, only_for=SERVERS)
def find_schedule(name: str, region: str) -> StopSchedule | None:
    """Return the schedule of this name; None if there is none, or it stops no single machine."""
    try:
        with calling(f"look at the schedule {name}"):
            found: dict[str, Any] = connect("scheduler", region).get_schedule(Name=name)
    except CloudError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return None
    target = found["Target"]
    ids = json.loads(target.get("Input") or "{}").get("InstanceIds", [])
    if target["Arn"] != stop_target(region) or len(ids) != 1:
        return None
    return StopSchedule(
        name=name,
        instance_id=ids[0],
        role=target["RoleArn"],
        expression=found["ScheduleExpression"],
        zone=found.get("ScheduleExpressionTimezone") or "UTC",
        starts=found.get("StartDate"),
        is_enabled=found.get("State") == "ENABLED",
    )


def stop_target(region: str) -> str:
    """Return the ARN of the target that stops instances of a region."""
    return f"arn:{partition_of(region)}:{STOP}"


def schedule_parameters(wanted: StopSchedule, region: str) -> dict[str, Any]:
    """Return the parameters of CreateSchedule and UpdateSchedule."""
    is_once = wanted.expression.startswith("at(")
    asked: dict[str, Any] = {
        "Name": wanted.name,
        "Description": f"notebake stops the server {wanted.instance_id}",
        "ScheduleExpression": wanted.expression,
        "ScheduleExpressionTimezone": wanted.zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE" if is_once else "NONE",
        "State": "ENABLED" if wanted.is_enabled else "DISABLED",
        "Target": {
            "Arn": stop_target(region),
            "RoleArn": wanted.role,
            "Input": json.dumps({"InstanceIds": [wanted.instance_id]}),
            "RetryPolicy": {
                "MaximumEventAgeInSeconds": RETRIED_SECONDS,
                "MaximumRetryAttempts": 185,
            },
        },
    }
    return asked | ({"StartDate": wanted.starts} if wanted.starts else {})
