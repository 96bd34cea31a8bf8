"""What tags and the file say, and that what they say wrongly is named and not used."""

import json
from pathlib import Path

import pytest

from notebake.aws import tags
from notebake.machines.idle import settings
from notebake.machines.idle.settings import Limits, Settings, parse_tags, read_limits
from notebake.machines.idle.times import format_time, in_minutes, parse_time
from notebake.recipe import Recipe

NOON = 1796040000.0


def test_the_tags_are_those_that_notebake_sets() -> None:
    ours = {getattr(settings, name) for name in ("SERVER", "IDLE", "DAILY_END", "HARD_END")}

    assert ours | {settings.KEEP_UNTIL} == {
        *(tags.SERVER, tags.IDLE, tags.DAILY_END, tags.HARD_END, tags.KEEP_UNTIL)
    }


def test_the_usual_port_is_that_of_recipes() -> None:
    assert Limits().jupyter_port == Recipe(name="a").jupyter_port


def test_tags_are_read() -> None:
    found, wrong = parse_tags(
        {
            **{tags.SERVER: "ocean", tags.IDLE: "90", tags.DAILY_END: "19:00 Europe/Berlin"},
            **{tags.HARD_END: "2026-11-30T12:00:00Z", tags.KEEP_UNTIL: "2026-11-30T12:00:00"},
        },
        Limits(),
    )

    assert (wrong, found.name, found.limits.idle_seconds) == ([], "ocean", 5400)
    assert str(found.daily_end) == "19:00 Europe/Berlin"
    assert (found.hard_end, found.keep_until) == (NOON, NOON)


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (tags.IDLE, "an hour"), (tags.IDLE, "-5"), (tags.IDLE, "nan"), (tags.IDLE, "inf"),
        (tags.DAILY_END, "7 pm"), (tags.DAILY_END, "19:00 Moon/Sea"),
        (tags.HARD_END, "tomorrow"), (tags.KEEP_UNTIL, "2026-13-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_a_tag_that_says_nothing_is_named_and_leaves_what_is_usual(tag: str, value: str) -> None:
    found, wrong = parse_tags({tags.SERVER: "ocean", tag: value}, Limits())

    assert found == Settings(Limits(), name="ocean")
    assert len(wrong) == 1
    assert tag in wrong[0]
    assert value in wrong[0]


def test_an_empty_tag_is_none() -> None:
    assert parse_tags({tags.IDLE: " ", tags.KEEP_UNTIL: ""}, Limits()) == (Settings(Limits()), [])


def test_the_file_changes_limits_and_the_tag_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "idle.json"
    file.write_text(json.dumps({"idle_seconds": 30, "warn_seconds": [9], "jupyter_port": 9999}))
    limits, wrong = read_limits(str(file))

    assert wrong == []
    assert (limits.idle_seconds, limits.warn_seconds, limits.jupyter_port) == (30, (9.0,), 9999)
    assert parse_tags({tags.IDLE: "2"}, limits)[0].limits.idle_seconds == 120


def test_without_a_file_everything_is_as_usual(tmp_path: Path) -> None:
    assert read_limits(str(tmp_path / "none")) == (Limits(), [])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"idle_secs": 3}', "idle_secs"),
        ('{"cpu_share": "much"}', "cpu_share"),
        ('{"cpu_share": -1}', "cpu_share"),
        ('{"token_file": 3}', "token_file"),
        ('{"warn_seconds": 3}', "warn_seconds"),
        ("[1]", "cannot be read"),
        ("{", "cannot be read"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "idle.json"
    file.write_text(text)
    limits, wrong = read_limits(str(file))

    assert limits == Limits()
    assert len(wrong) == 1
    assert named in wrong[0]


def test_times_are_read_as_jupyter_and_notebake_write_them() -> None:
    for text in ("2026-11-30T12:00:00.000000Z", "2026-11-30T13:00:00+01:00", "2026-11-30T12:00"):
        assert parse_time(text) == NOON
    assert format_time(NOON) == "2026-11-30T12:00:00+00:00"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 minute"), (60, "1 minute"), (62, "1 minute"), (118, "2 minutes"), (600, "10 minutes")],
)
def test_durations_are_in_whole_minutes(seconds: float, words: str) -> None:
    assert in_minutes(seconds) == words
