"""Timestamps and time spans, formatted for people."""

import datetime

import pytest

from notebake.humanize import format_briefly, format_span
from notebake.timestamps import parse_timestamp, utc_from_seconds

HOUR = 3600
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (-5, "0 s"),
        (45, "45 s"),
        (12 * 60 + 30, "12 min"),
        (3 * HOUR + 5 * 60, "3 h 05 min"),
        (2 * DAY + 4 * HOUR, "2 d 4 h"),
        (3 * DAY + 60, "3 d"),
        (90 * DAY + 5 * HOUR, "90 d"),
    ],
)
def test_a_time_span_is_formatted_in_its_two_largest_units(seconds: float, message: str) -> None:
    assert format_span(seconds) == message


def test_a_narrow_column_gets_the_largest_unit() -> None:
    assert [format_briefly(seconds) for seconds in (0, 59, 3 * HOUR + 5, 2 * DAY + 4 * HOUR)] == [
        "0 min",
        "0 min",
        "3 h",
        "2 d",
    ]


def test_a_tag_without_a_timestamp_parses_to_none() -> None:
    assert parse_timestamp("") is None
    assert parse_timestamp("next week") is None


def test_a_timestamp_without_a_zone_is_utc() -> None:
    assert parse_timestamp("1970-01-02T00:00:00") == utc_from_seconds(DAY)
    assert parse_timestamp("1970-01-02T01:00:00+01:00") == utc_from_seconds(DAY)
    assert utc_from_seconds(0).tzinfo is datetime.UTC
