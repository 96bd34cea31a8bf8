"""Runs the schedules of EventBridge Scheduler that stop or terminate instances.

moto keeps the schedules; their targets are called here, as their owner would call them. A call that
fails is repeated as often and long as the retry policy allows, and then dropped. A one-time
schedule whose time had passed when it was created never runs: AWS promises nothing for it. If the
clock is put forward over several times of a recurring schedule, it runs once.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from moto.scheduler.models import scheduler_backends
from moto.utilities.utils import get_partition

from sandbox.messages.reply import ConnectionLostError, Reply
from sandbox.services.cron_expression import Cron, read_cron

log = logging.getLogger(__name__)

ACTIONS = {
    "scheduler:::aws-sdk:ec2:terminateInstances": "TerminateInstances",
    "scheduler:::aws-sdk:ec2:stopInstances": "StopInstances",
}
# Scheduler retries with growing pauses. AWS does not document how they grow: our estimate.
FIRST_PAUSE = timedelta(seconds=60)
LONGEST_PAUSE = timedelta(hours=1)
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
Handle = Callable[[str, str, dict[str, str], bytes], Reply]


@dataclass(frozen=True)
class _Attempt:
    """The calls so far at a time of a schedule; `target` differs once the schedule is updated."""

    target: str
    count: int
    due: datetime | None
    """When it is called, or called again; None if never again."""
    began: datetime | None
    """The time of the schedule for which it is called."""


class Schedules:
    """The schedules of all accounts. Calls pass through `handle`, are logged, and may fail."""

    def __init__(self, handle: Handle, list_accounts: Callable[[], Iterable[str]]) -> None:
        self._handle = handle
        self._list_accounts = list_accounts
        self._attempts: dict[str, _Attempt] = {}

    def run_due(self, now: datetime) -> None:
        """Call the target of every schedule that is due."""
        for group, schedule in list(_schedules(self._list_accounts())):
            attempt = self._attempts[schedule.arn] = self._attempt_of(schedule)
            if attempt.due and attempt.due <= now and schedule.state == "ENABLED":
                self._attempts[schedule.arn] = self._try(schedule, attempt, now)
                self._remove_completed(group, schedule)

    def _attempt_of(self, schedule: Any) -> _Attempt:
        known = self._attempts.get(schedule.arn)
        target = json.dumps(
            [
                schedule.schedule_expression,
                schedule.schedule_expression_timezone,
                schedule.target,
                schedule.start_date,
                schedule.end_date,
            ]
        )
        if known and known.target == target:
            return known
        due = next_time(schedule, datetime.fromtimestamp(schedule.last_modified_date, UTC))
        return _Attempt(target, 0, due, due)

    def _try(self, schedule: Any, attempt: _Attempt, now: datetime) -> _Attempt:
        policy = schedule.target["RetryPolicy"]
        age = timedelta(seconds=policy.get("MaximumEventAgeInSeconds", 86400))
        end = (attempt.began or now) + age
        problem = self._call(schedule)
        following = next_time(schedule, now)
        if not problem:
            log.info("Schedule %s has run", schedule.name)
            return _Attempt(attempt.target, 0, following, following)
        pause = min(FIRST_PAUSE * 2 ** min(attempt.count, 10), LONGEST_PAUSE)
        if attempt.count >= policy.get("MaximumRetryAttempts", 185) or now + pause > end:
            log.error("Schedule %s was dropped: %s", schedule.name, problem)
            return _Attempt(attempt.target, 0, following, following)
        log.warning("Schedule %s will be retried: %s", schedule.name, problem)
        return _Attempt(attempt.target, attempt.count + 1, now + pause, attempt.began)

    def _call(self, schedule: Any) -> str:
        """Call the target; return the problem, or an empty text."""
        _, _, _, region_name, account_id, *_ = schedule.arn.split(":")
        target = schedule.target["Arn"]
        action = ACTIONS.get(target.removeprefix(f"arn:{get_partition(region_name)}:"))
        if not action:
            return f"the sandbox cannot call {target}"
        try:
            given = json.loads(schedule.target.get("Input") or "{}")
            ids = enumerate(given["InstanceIds"], start=1)
        except (ValueError, KeyError, TypeError) as error:
            return f"its input is not for {action}: {error!r}"
        words = {"Action": action, "Version": "2016-11-15"}
        words |= {f"InstanceId.{number}": str(instance_id) for number, instance_id in ids}
        scope = f"Credential={account_id}/20260101/{region_name}/ec2/aws4_request"
        headers = {
            "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        }
        try:
            reply = self._handle("POST", "http://127.0.0.1/", headers, urlencode(words).encode())
        except ConnectionLostError as error:
            return f"no reply: {error}"
        return reply.body.decode(errors="replace") if reply.status >= 400 else ""

    def _remove_completed(self, group: Any, schedule: Any) -> None:
        is_completed = self._attempts[schedule.arn].due is None
        if is_completed and schedule.action_after_completion == "DELETE":
            group.schedules.pop(schedule.name, None)
            del self._attempts[schedule.arn]


def next_time(schedule: Any, moment: datetime) -> datetime | None:
    """Return when a schedule is due next after this moment; None if never again."""
    zone = ZoneInfo(schedule.schedule_expression_timezone or "UTC")
    if cron := read_cron(schedule.schedule_expression):
        return _within_dates(schedule, cron, moment, zone)
    if not (found := _AT.fullmatch(schedule.schedule_expression)):
        return None
    due = datetime.fromisoformat(found[1]).replace(tzinfo=zone).astimezone(UTC)
    return due if due > moment else None


def _within_dates(schedule: Any, cron: Cron, moment: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when a recurring schedule is due next, on or after its start, before its end."""
    if schedule.start_date:
        start = datetime.fromtimestamp(float(schedule.start_date), UTC)
        moment = max(moment, start - timedelta(microseconds=1))
    due = cron.next_after(moment, zone)
    if due and schedule.end_date and due.timestamp() >= float(schedule.end_date):
        return None
    return due


def _schedules(account_ids: Iterable[str]) -> Iterator[tuple[Any, Any]]:
    for account_id in account_ids:
        for backend in list(scheduler_backends[account_id].values()):
            for group in backend.schedule_groups.values():
                for schedule in list(group.schedules.values()):
                    yield group, schedule
