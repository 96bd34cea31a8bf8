"""When a cron expression of EventBridge Scheduler is due: judged by another program's cron."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from sandbox.services.cron_expression import CronError, read_cron

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
UTC_ZONE = ZoneInfo("UTC")
DAILY = "cron(30 2 * * ? *)"


def times(expression: str, after: str, zone: ZoneInfo, count: int) -> list[str]:
    cron = read_cron(expression)
    assert cron
    found, moment = [], datetime.fromisoformat(after).replace(tzinfo=zone).astimezone(UTC)
    for _ in range(count):
        due = cron.next_after(moment, zone)
        assert due
        found.append(f"{due.astimezone(zone):%m-%d %H:%M %Z}")
        moment = due
    return found


def test_a_time_that_does_not_exist_is_skipped() -> None:
    assert times(DAILY, "2027-03-13 00:00", LOS_ANGELES, 3) == [
        "03-13 02:30 PST",
        "03-15 02:30 PDT",
        "03-16 02:30 PDT",
    ]


def test_a_time_that_comes_twice_counts_once() -> None:
    assert times("cron(30 1 * * ? *)", "2027-11-06 00:00", LOS_ANGELES, 3) == [
        "11-06 01:30 PDT",
        "11-07 01:30 PDT",
        "11-08 01:30 PST",
    ]


@pytest.mark.parametrize("weekdays", ["1,7", "SAT,SUN", "sun,SAT"])
def test_weekdays_begin_with_sunday_and_have_names(weekdays: str) -> None:
    found = times(f"cron(0 19 ? * {weekdays} *)", "2026-12-01 00:00", UTC_ZONE, 3)
    assert found == ["12-05 19:00 UTC", "12-06 19:00 UTC", "12-12 19:00 UTC"]


def random_field(draw: Random, low: int, high: int) -> str:
    first, second = sorted(draw.sample(range(low, high + 1), 2))
    forms = ("*", str(first), f"{first},{second}", f"{first}-{second}", f"*/{second - first}")
    return draw.choice(forms)


@pytest.mark.parametrize("seed", range(20))
def test_ordinary_expressions_are_due_when_another_cron_says_so(seed: int) -> None:
    draw = Random(seed)  # noqa: S311
    minutes, hours = random_field(draw, 0, 59), random_field(draw, 0, 23)
    days, months = random_field(draw, 1, 28), random_field(draw, 1, 12)
    cron = read_cron(f"cron({minutes} {hours} {days} {months} ? *)")
    assert cron
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=draw.randrange(525_600))
    judge = CronSim(f"{minutes} {hours} {days} {months} *", moment)
    for _ in range(200):
        found = cron.next_after(moment, UTC_ZONE)
        assert found == next(judge)
        moment = found


def test_a_schedule_ends_with_its_years() -> None:
    cron = read_cron("cron(0 0 1 1 ? 2027)")
    assert cron
    first = cron.next_after(datetime(2026, 11, 30, tzinfo=UTC), UTC_ZONE)
    assert first == datetime(2027, 1, 1, tzinfo=UTC)
    assert cron.next_after(first, UTC_ZONE) is None


def test_other_kinds_of_expressions_are_left_to_others() -> None:
    assert read_cron("at(2027-01-01T00:00:00)") is None
    with pytest.raises(CronError, match="hours"):
        read_cron("cron(0 x * * ? *)")
