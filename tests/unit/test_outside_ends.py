"""The schedules of a server against what its machine would do, over random tags and times."""

import datetime
from dataclasses import replace
from random import Random
from zoneinfo import ZoneInfo

import pytest

from notebake.aws import tags
from notebake.errors import NotebakeError
from notebake.machines.idle.daily_end import parse_daily_end
from notebake.machines.idle.judge import HARD_STOP, next_stop
from notebake.machines.idle.settings import Limits, parse_tags
from notebake.machines.idle.signals import Signals
from notebake.servers.ends import tags_of_ends, usual_end
from notebake.servers.outside_ends import ONCE, read_role, wanted_schedules
from notebake.servers.server import Server
from sandbox.services.cron_expression import read_cron

ROLE = "arn:aws:iam::123456789012:role/notebake-scheduler-servers"
ZONES = ("America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Pacific/Kiritimati", "UTC")
CHANGES = (
    datetime.datetime(2026, 3, 8, tzinfo=datetime.UTC),
    datetime.datetime(2026, 3, 29, tzinfo=datetime.UTC),
    datetime.datetime(2026, 7, 4, tzinfo=datetime.UTC),
    datetime.datetime(2026, 10, 25, tzinfo=datetime.UTC),
    datetime.datetime(2026, 10, 31, 6, tzinfo=datetime.UTC),
    datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC),
)
"""Days on which a clock is put forward or back, and an ordinary one."""


def hours(count: float) -> datetime.timedelta:
    return datetime.timedelta(hours=round(count, 2))


def drawn_server(draw: Random) -> tuple[Server, datetime.datetime]:
    """Draw a server as `start` and `keep` leave it, and a time while it runs."""
    started = draw.choice(CHANGES) + hours(draw.uniform(-30, 10))
    now = started + hours(draw.uniform(0.1, 20))
    marks = {tags.IDLE: "0", tags.SCHEDULER_ROLE: ROLE}
    daily = ""
    if draw.random() < 0.7:
        daily = f"{draw.randrange(24):02}:{draw.randrange(60):02} {draw.choice(ZONES)}"
    marks |= tags_of_ends(0, daily, started)
    last = usual_end(started, daily)
    if daily and draw.random() < 0.3:
        marks[tags.DAILY_END_SET] = tags.as_tag(started + (now - started) * draw.random())
    if draw.random() < 0.6:
        kept = now + hours(draw.uniform(-3, 30))
        marks[tags.KEEP_UNTIL] = tags.as_tag(kept)
        if kept > last:
            marks[tags.HARD_END] = tags.as_tag(kept)
    server = Server(
        id="i-0123456789abcdef0",
        name="ocean",
        owner="ada",
        region="us-west-2",
        state="running",
        instance_type="t3.large",
        zone="us-west-2a",
        image_id="ami-1",
        started_at=started,
        tags=marks,
    )
    return server, now


def stop_of_machine(server: Server) -> tuple[float, str]:
    """Return when its machine would stop, and why, by its own rule."""
    settings, wrong = parse_tags(server.tags, Limits(idle_seconds=0))
    assert not wrong
    known = server.daily_end_set.timestamp() if server.daily_end_set else 0.0
    settings = replace(settings, daily_end_known_since=known)
    booted = server.started_at.timestamp()
    signals = Signals(taken=booted, window_seconds=0, booted=booted, jupyter="")
    at, why = next_stop(signals, settings, None)
    assert at is not None
    assert why is not None
    return at, why


def running_server(seed: int) -> tuple[Server, datetime.datetime]:
    """Draw until there is a server whose machine has not stopped before that time."""
    draw = Random(seed)  # noqa: S311
    while True:
        server, now = drawn_server(draw)
        if stop_of_machine(server)[0] > now.timestamp():
            return server, now


def stop_of_schedules(server: Server, now: datetime.datetime) -> float | None:
    """Return when a schedule would stop it first, as the sandbox reads schedules."""
    times = []
    for schedule in wanted_schedules(server, now).values():
        zone = ZoneInfo(schedule.zone)
        if cron := read_cron(schedule.expression):
            after = max(filter(None, (now, schedule.starts)))
            due = cron.next_after(after - datetime.timedelta(microseconds=1), zone)
            assert due
            times.append(due.timestamp())
        else:
            at = schedule.expression.removeprefix("at(").removesuffix(")")
            times.append(datetime.datetime.fromisoformat(at).replace(tzinfo=zone).timestamp())
    return min(times, default=None)


def has_gap(server: Server, moment: float) -> bool:
    """Return whether the daily end's time of day is left out on that day."""
    end = parse_daily_end(server.daily_end)
    local = datetime.datetime.fromtimestamp(moment, ZoneInfo(end.zone))
    return (local.hour, local.minute) != (end.hour, end.minute)


@pytest.mark.parametrize("seed", range(400))
def test_a_schedule_stops_a_server_when_its_machine_would(seed: int) -> None:
    server, now = running_server(seed)
    machine, why = stop_of_machine(server)

    outside = stop_of_schedules(server, now)

    assert outside
    if outside == machine:
        return
    assert server.daily_end, "only a daily end can differ"
    if why == HARD_STOP:
        # The machine's own 24 hours after its boot, before a daily end that was set meanwhile;
        # outside, the daily end takes their place.
        assert tags.HARD_END not in server.tags
        assert server.daily_end_set
        assert machine < outside <= machine + 26 * 3600
    else:
        assert has_gap(server, machine), "EventBridge leaves out a day without that time"
        assert outside > machine


def test_the_draw_has_each_kind_of_end() -> None:
    drawn = [running_server(seed) for seed in range(400)]
    held = [
        server
        for server, now in drawn
        if server.daily_end and ONCE in wanted_schedules(server, now) and server.keep_until
    ]
    assert len(held) > 50
    assert sum(not server.daily_end for server, _ in drawn) > 50
    assert sum(server.daily_end_set is not None for server, _ in drawn) > 50


@pytest.mark.parametrize(
    "text", ["notebake-scheduler-servers", ROLE.replace("role/", "user/"), ROLE + "x" * 256, ""]
)
def test_what_is_no_role_is_refused(text: str) -> None:
    with pytest.raises(NotebakeError, match="is not the ARN of a role"):
        read_role(text)
    assert read_role(ROLE) == ROLE
    assert read_role("none") == ""
