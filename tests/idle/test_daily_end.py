"""The daily end across daylight saving; systemd's calendar is the judge where it is installed."""

import datetime
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from notebake.machines.idle.daily_end import parse_daily_end
from tests.limits import HANG_SECONDS

TIMES = ("00:00", "01:30", "02:00", "03:00", "12:00", "19:00", "23:59")
DAYS = {
    "America/Los_Angeles": ("2026-03-07", "2026-03-08", "2026-10-31", "2026-11-01", "2026-07-04"),
    "Europe/Berlin": ("2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25"),
    "Australia/Lord_Howe": ("2026-04-04", "2026-10-03"),
    "America/Santiago": ("2026-04-04", "2026-09-05"),
    "Asia/Kathmandu": ("2026-01-15",),
    "Pacific/Kiritimati": ("2026-01-15",),
    "UTC": ("2026-12-31",),
}
GAPS = {
    ("02:00", "America/Los_Angeles", "2026-03-07"), ("02:00", "America/Los_Angeles", "2026-03-08"),
    ("02:00", "Europe/Berlin", "2026-03-28"), ("02:00", "Europe/Berlin", "2026-03-29"),
    ("02:00", "Australia/Lord_Howe", "2026-10-03"),
    ("00:00", "America/Santiago", "2026-09-05"),
}  # fmt: skip
"""A local time that the next day has not, as the clock is put forward over it."""


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp()


def shown(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M}"


def cases() -> Iterator[tuple[str, str, str]]:
    for zone, days in DAYS.items():
        yield from ((time, zone, day) for day in days for time in TIMES)


def by_systemd(time: str, zone: str, base: str) -> str:
    """Return when a timer with this calendar would elapse next after 08:00 UTC of the day."""
    done = subprocess.run(
        ["systemd-analyze", "calendar", f"--base-time={base} 08:00 UTC", f"*-*-* {time} {zone}"],
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=True,
    )
    (found,) = re.findall(r"Next elapse: \w+ (\S+ \d\d:\d\d):\d\d UTC", done.stdout)
    return str(found)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize(("time", "zone", "day"), list(cases()))
def test_it_is_when_systemd_s_timer_would_elapse(time: str, zone: str, day: str) -> None:
    ours = parse_daily_end(f"{time} {zone}").after(at(f"{day} 08:00"))
    theirs = by_systemd(time, zone, day)

    if shown(ours) != theirs:
        assert (time, zone, day) in GAPS, (shown(ours), theirs)
        assert ours < at(theirs), "systemd leaves the day out on which the time does not occur"


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("19:00 America/Los_Angeles", "2026-03-08 03:00", "2026-03-09 02:00"),
        ("19:00 America/Los_Angeles", "2026-11-01 02:00", "2026-11-02 03:00"),
        ("02:30 America/Los_Angeles", "2026-03-08 08:00", "2026-03-08 10:30"),
        ("01:30 America/Los_Angeles", "2026-11-01 07:00", "2026-11-01 08:30"),
        ("01:30 America/Los_Angeles", "2026-11-01 08:30", "2026-11-02 09:30"),
        ("00:00 UTC", "2026-12-31 23:59", "2027-01-01 00:00"),
    ],
    ids=["spring", "autumn", "a time that is left out", "the first of two", "not twice", "year"],
)
def test_the_next_daily_end(text: str, after: str, expected: str) -> None:
    assert shown(parse_daily_end(text).after(at(after))) == expected


def test_no_day_is_left_out_in_a_year() -> None:
    end = parse_daily_end("02:30 America/Los_Angeles")
    moment, ends = at("2026-01-01 00:00"), 0
    while (moment := end.after(moment)) < at("2027-01-01 00:00"):
        ends += 1

    assert ends == 365


@pytest.mark.parametrize(
    "text",
    ["19:00", "7:00 UTC", "24:00 UTC", "19:60 UTC", "19:00 Mars/Olympus", "19:00 ../../etc/passwd",
     "19:00 UTC; reboot", "", "noon UTC"],
)  # fmt: skip
def test_what_is_no_daily_end_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it is not like|no time zone"):
        parse_daily_end(text)


def test_the_text_is_that_of_the_tag() -> None:
    assert str(parse_daily_end("07:05 Europe/Berlin")) == "07:05 Europe/Berlin"
