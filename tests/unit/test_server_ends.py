"""When servers stop by themselves: what people type, and what they read of it."""

import datetime

import pytest

from notebake.errors import NotebakeError
from notebake.servers.ends import (
    Wishes,
    describe_ends,
    read_daily_end,
    read_minutes,
    tags_of_changes,
    tags_of_ends,
    usual_end,
)

NOW = datetime.datetime(2026, 11, 30, 9, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("typed", "minutes"), [("60m", 60), ("3h", 180), ("1h30m", 90), ("0m", 0), (" 2H ", 120)]
)
def test_a_length_of_time_is_read(typed: str, minutes: int) -> None:
    assert read_minutes(typed) == minutes


@pytest.mark.parametrize("typed", ["", "3", "h", "3d", "-1h", "1.5h"])
def test_what_is_no_length_of_time_is_refused(typed: str) -> None:
    with pytest.raises(NotebakeError, match="no length of time") as caught:
        read_minutes(typed)
    assert "1h30m" in caught.value.hint


@pytest.mark.parametrize(
    ("typed", "tag"),
    [
        ("19:00", "19:00 Europe/Berlin"),
        ("7:05 Asia/Tokyo", "07:05 Asia/Tokyo"),
        ("00:00 UTC", "00:00 UTC"),
        ("19:00 US/Pacific", "19:00 America/Los_Angeles"),
    ],
)
def test_a_daily_end_has_the_local_zone_unless_it_names_one(typed: str, tag: str) -> None:
    assert read_daily_end(typed, "Europe/Berlin") == tag


def test_a_daily_end_is_taken_away_and_a_last_end_comes() -> None:
    gone = Wishes(daily_end=read_daily_end("none", "UTC")).tags()
    assert gone == {"notebake:daily-end": ""}
    last = {"notebake:hard-end": "2026-12-01T09:00:00+00:00"}
    assert tags_of_changes(gone, NOW) == gone | last
    later = "2026-12-05T09:00:00+00:00"
    daily = {"notebake:daily-end": "08:00 UTC"}
    moved = {"notebake:hard-end": "2026-12-01T08:00:00+00:00"}
    assert tags_of_changes(daily, NOW) == daily | moved
    assert tags_of_changes(daily, NOW, {"notebake:hard-end": later}) == daily, "it is kept so long"
    assert tags_of_changes({"notebake:idle-minutes": "5"}, NOW) == {"notebake:idle-minutes": "5"}
    assert Wishes().tags() == {}


@pytest.mark.parametrize(
    "typed", ["24:00", "19", "19:60", "7pm", "19:00 Mars/Base", "19:00 localtime"]
)
def test_what_is_no_time_of_day_is_refused(typed: str) -> None:
    with pytest.raises(NotebakeError, match="no time"):
        read_daily_end(typed, "UTC")


def test_a_server_without_a_daily_end_has_a_last_one() -> None:
    last = {"notebake:idle-minutes": "60", "notebake:hard-end": "2026-12-01T09:00:00+00:00"}
    assert tags_of_ends(60, "", NOW) == last
    daily = {"notebake:idle-minutes": "0", "notebake:daily-end": "19:00 UTC"}
    assert tags_of_ends(0, "19:00 UTC", NOW) == daily


def test_a_daily_end_on_the_day_of_25_hours_is_not_forestalled() -> None:
    daily = "19:00 America/Los_Angeles"
    started = datetime.datetime(2026, 11, 1, 2, 20, tzinfo=datetime.UTC)  # 31 October, 19:20
    end = datetime.datetime(2026, 11, 2, 3, tzinfo=datetime.UTC)

    assert usual_end(started, daily) == end
    assert tags_of_ends(0, daily, started)["notebake:hard-end"] == end.isoformat()
    assert usual_end(NOW, "19:00 UTC") == usual_end(NOW, "") == NOW + datetime.timedelta(hours=24)
    assert usual_end(NOW, "at seven") == NOW + datetime.timedelta(hours=24)


def test_people_read_when_a_server_stops() -> None:
    assert describe_ends(tags_of_ends(60, "", NOW)) == (
        "after 60 minutes without use, and at Tue 01 Dec 09:00 UTC at the latest"
    )
    assert describe_ends(tags_of_ends(0, "19:00 Asia/Tokyo", NOW)) == (
        "each day at 19:00 Asia/Tokyo"
    )
    stale = {"notebake:hard-end": "2026-11-29T09:00:00+00:00"}
    for marks in (stale, {}):
        assert describe_ends(marks, NOW) == "at Tue 01 Dec 09:00 UTC at the latest"
    assert describe_ends({}) == "never"
    assert describe_ends({"notebake:hard-end": "soon"}) == "never"
