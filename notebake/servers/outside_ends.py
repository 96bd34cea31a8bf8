"""The ends of a server that stand outside of it, as schedules of EventBridge, if it has a role.

A schedule cannot read tags, so it is changed with them, to stop the server when its machine would
(`notebake/machines/idle/judge.py`): but for idleness, and in the same minute.
"""

import datetime
import logging
import re

from notebake import clock
from notebake.aws.names import name_of_server_schedule
from notebake.aws.server_schedules import StopSchedule, find_schedule, put_schedule, remove_stop
from notebake.errors import CloudError, NotebakeError
from notebake.machines.idle.daily_end import DailyEnd, parse_daily_end
from notebake.servers.ends import HARD_END_HOURS
from notebake.servers.server import Server
from notebake.timestamps import utc_from_seconds

log = logging.getLogger(__name__)
DAILY, ONCE = "daily", "once"
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9_+=,.@/-]+")
LONGEST_ROLE = 256
"""It is kept as a tag."""
NO_ROLE = "none"


def read_role(text: str) -> str:
    """Return the role that a person named, or "" for `none`.

    Raises:
        NotebakeError: it is no ARN of a role, or does not fit into a tag.
    """
    if text == NO_ROLE:
        return ""
    if not ROLE.fullmatch(text) or len(text) > LONGEST_ROLE:
        raise NotebakeError(
            f"{text!r} is not the ARN of a role of at most {LONGEST_ROLE} characters.",
            "Such as: arn:aws:iam::123456789012:role/notebake-scheduler-servers",
        )
    return text


def ensure_outside_ends(server: Server) -> None:
    """Let the schedules of a server say what its tags say; without a role there are none.

    Raises:
        CloudError: AWS refused, for instance because of the role.
    """
    if not server.scheduler_role:
        return
    wanted = wanted_schedules(server, _now())
    for kind in (DAILY, ONCE):
        if schedule := wanted.get(kind):
            log.info("%s ends outside of it, too: %s", server.name, schedule.expression)
            put_schedule(schedule, server.region)
        else:
            remove_stop(_name(server, kind), server.region)


def remove_outside_ends(server: Server) -> None:
    """Remove the schedules of a server, if it has a role. May be repeated."""
    for kind in (DAILY, ONCE) if server.scheduler_role else ():
        remove_stop(_name(server, kind), server.region)


def ends_outside(server: Server) -> bool | None:
    """Return whether the ends stand outside as its tags say; None if that is not known."""
    if not server.scheduler_role:
        return False
    now = _now()
    wanted = wanted_schedules(server, now)
    try:
        found = [find_schedule(each.name, server.region) for each in wanted.values()]
    except CloudError as error:
        log.warning("Whether %s ends outside of it is not known: %s", server.name, error)
        return None
    return bool(wanted) and found_now(found, now) == list(wanted.values())


def found_now(
    found: list[StopSchedule | None], now: datetime.datetime
) -> list[StopSchedule | None]:
    """Return schedules as they act from now on: a start that has passed is none."""
    return [
        each.model_copy(update={"starts": None})
        if each and each.starts and each.starts <= now
        else each
        for each in found
    ]


def wanted_schedules(server: Server, now: datetime.datetime) -> dict[str, StopSchedule]:
    """Return the schedules for a server's tags, by their kind. Pure."""
    found: dict[str, StopSchedule] = {}
    if daily := _daily_end(server):
        kept = server.keep_until
        found[DAILY] = _schedule(
            server,
            DAILY,
            f"cron({daily.minute} {daily.hour} * * ? *)",
            daily.zone,
            starts=kept if kept and kept > now else None,
        )
    if once := _next_single_end(server, daily, now):
        found[ONCE] = _schedule(server, ONCE, f"at({once:%Y-%m-%dT%H:%M:%S})", "UTC")
    return found


def _next_single_end(
    server: Server, daily: DailyEnd | None, now: datetime.datetime
) -> datetime.datetime | None:
    """Return the next end that does not recur: the hard end, or that of a hold over a daily end.

    A hard end that is not before the next daily end needs none, unless a hold is over that.
    """
    ends: list[datetime.datetime] = []
    last = server.hard_end_now
    if daily:
        since = max(filter(None, (server.started_at, server.daily_end_set)))
        next_daily = daily.after(since.timestamp())
        if server.keep_until and server.keep_until.timestamp() > next_daily:
            ends.append(server.keep_until)
        elif last and last.timestamp() >= next_daily:
            return None
    if last:
        ends.append(last)
    elif not daily:
        ends.append(server.started_at + datetime.timedelta(hours=HARD_END_HOURS))
    to_come = [end.astimezone(datetime.UTC) for end in ends if end > now]
    return min(to_come, default=None)


def _daily_end(server: Server) -> DailyEnd | None:
    try:
        return parse_daily_end(server.daily_end) if server.daily_end else None
    except ValueError as error:
        log.warning("The daily end of %s is not used: %s", server.name, error)
        return None


def _schedule(
    server: Server,
    kind: str,
    expression: str,
    zone: str,
    starts: datetime.datetime | None = None,
) -> StopSchedule:
    return StopSchedule(
        name=_name(server, kind),
        instance_id=server.id,
        role=server.scheduler_role,
        expression=expression,
        zone=zone,
        starts=starts,
    )


def _name(server: Server, kind: str) -> str:
    return name_of_server_schedule(server.owner, server.name, kind)


def _now() -> datetime.datetime:
    return utc_from_seconds(clock.now())
