"""Corrects moto's EventBridge Scheduler where it is laxer than AWS, or drops parameters.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

import json
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.scheduler.models import scheduler_backends

from sandbox.ec2.state.cloud import Cloud
from sandbox.messages.call import Call
from sandbox.messages.error_reply import write_error
from sandbox.messages.reply import Reply
from sandbox.services.cron_expression import read_cron

_EXPRESSION = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)|cron\(.+\)")
EARLY_SECONDS = 300
_NAME = re.compile(r"[0-9a-zA-Z\-_.]{1,64}")


class SchedulerCalls:
    """Comes before and after moto. Hold the cloud's lock."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._answered: dict[tuple[str, ...], tuple[str, Reply]] = {}

    def before(self, call: Call) -> Reply | None:
        """Return the reply where moto's would be wrong, otherwise None."""
        if call.operation not in ("CreateSchedule", "UpdateSchedule"):
            return None
        request = json.loads(call.parameters["body"])
        if problem := _find_problem(call, request) or self._find_early_start(request):
            return write_error("scheduler", 400, "ValidationException", problem)
        known = self._answered.get(self._token(call, request))
        return known[1] if known and known[0] == call.parameters_digest else None

    def after(self, call: Call, reply: Reply) -> None:
        """Store the parameters of a successful request that moto drops."""
        if call.operation not in ("CreateSchedule", "UpdateSchedule") or reply.status >= 400:
            return
        request = json.loads(call.parameters["body"])
        backend = scheduler_backends[call.account_id or self._cloud.account_id][call.region]
        group = backend.schedule_groups[request.get("GroupName") or "default"]
        schedule: Any = group.schedules[call.action.rpartition("/")[2]]
        # "EventBridge Scheduler uses all values, including empty values": UpdateSchedule.
        schedule.action_after_completion = request.get("ActionAfterCompletion") or "NONE"
        schedule.state = request.get("State") or "ENABLED"
        schedule.last_modified_date = self._cloud.clock.now().timestamp()
        if call.operation == "CreateSchedule":
            schedule.creation_date = schedule.last_modified_date
            self._answered[self._token(call, request)] = (call.parameters_digest, reply)

    def _find_early_start(self, request: dict[str, Any]) -> str | None:
        """AWS says so of a recurring schedule (seen by moto's authors: getmoto/moto#8178)."""
        is_recurring = not request.get("ScheduleExpression", "").startswith("at(")
        start = request.get("StartDate")
        earliest = self._cloud.clock.now().timestamp() - EARLY_SECONDS
        if is_recurring and start is not None and float(start) < earliest:
            return "The StartDate you specify cannot be earlier than 5 minutes ago."
        return None

    @staticmethod
    def _token(call: Call, request: dict[str, Any]) -> tuple[str, ...]:
        return call.account_id, call.region, call.action, str(request.get("ClientToken"))


def _find_problem(call: Call, request: dict[str, Any]) -> str | None:
    name, expression = call.action.rpartition("/")[2], request.get("ScheduleExpression", "")
    zone = request.get("ScheduleExpressionTimezone") or "UTC"
    if not _NAME.fullmatch(name):
        return f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint"
    found = _EXPRESSION.fullmatch(expression)
    if expression.startswith("rate("):
        return f"The sandbox does not run {expression}: it knows at(…) and cron(…)."
    try:
        if not found or (found[1] and not datetime.fromisoformat(found[1])):
            return f"Invalid Schedule Expression {expression}."
        read_cron(expression)
    except ValueError as error:
        return f"Invalid Schedule Expression {expression}. {error}"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return f"Invalid ScheduleExpressionTimezone {zone}."
    return None
