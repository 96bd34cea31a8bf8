"""Which tests run today: every test is drawn some day, and a seed repeats a draw."""

import datetime
import re
from pathlib import Path

import pytest

from tests.conftest import ONE_BAKE
from tests.draw import ALL, DAILY, DRAWN_WHOLE, ONE_OF, SEED, SHARES, is_todays, place_of

TESTS = Path(__file__).parents[1]
NAMES = [f"test_{number}" for number in range(20)]
SEASON = [f"{datetime.date(2027, 1, 1) + datetime.timedelta(days=day)}" for day in range(366)]
SINGLE = [place for places in ONE_OF.values() for place in places]


@pytest.fixture(autouse=True)
def _some_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ALL, raising=False)
    monkeypatch.setenv(SEED, SEASON[0])


def todays(path: str) -> set[str]:
    return {name for name in NAMES if is_todays(path, name)}


def test_every_path_in_the_shares_exists_and_is_listed_once() -> None:
    listed = (*SHARES, *SINGLE, *DAILY)
    assert [path for path in listed if not (TESTS / path).exists()] == []
    assert len(set(SINGLE)) == len(SINGLE)
    assert all(0.1 < share < 1 for share in SHARES.values())
    assert set(DRAWN_WHOLE) <= set(SHARES)


@pytest.mark.parametrize("place", [place for place in SHARES if place not in SINGLE])
def test_each_test_has_its_days_and_the_share_is_about_what_it_says(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    for day in SEASON:
        monkeypatch.setenv(SEED, day)
        drawn.append(todays(place))

    assert set().union(*drawn) == set(NAMES)
    share = sum(map(len, drawn)) / (len(NAMES) * len(SEASON))
    assert abs(share - SHARES[place]) < (0.2 if place in DRAWN_WHOLE else 0.05)


@pytest.mark.parametrize("place", DRAWN_WHOLE)
def test_tests_that_share_one_piece_of_work_are_drawn_together(place: str) -> None:
    assert len(todays(f"{place}/test_this.py")) in (0, len(NAMES))


@pytest.mark.parametrize("kind", ONE_OF)
def test_each_day_has_one_work_of_each_kind_and_each_has_its_days(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    for day in SEASON:
        monkeypatch.setenv(SEED, day)
        drawn.append([(place, name) for place in ONE_OF[kind] for name in todays(place)])

    assert {len({place for place, _ in each}) for each in drawn} <= {0, 1}
    every = {(place, name) for place in ONE_OF[kind] for name in NAMES}
    assert {each for some in drawn for each in some} == every
    whole = [place for place in ONE_OF[kind] if not place_of(place, tuple(SHARES))]
    assert all(sum((place, NAMES[0]) in some for some in drawn) > 10 for place in whole)


@pytest.mark.parametrize("path", DAILY)
def test_what_must_never_break_is_tried_each_day(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place_of(path, (*SHARES, *SINGLE)), "it would be tried anyhow"
    for day in SEASON:
        monkeypatch.setenv(SEED, day)
        assert todays(path) == set(NAMES)


def test_the_seed_determines_what_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = todays("contract/test_this.py")
    assert todays("contract/test_this.py") == first
    monkeypatch.setenv(SEED, SEASON[1])

    assert todays("contract/test_this.py") != first


def test_tests_without_a_share_run_daily_and_all_run_in_a_full_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert todays("unit/test_this.py") == set(NAMES)
    monkeypatch.setenv(ALL, "1")
    assert todays("contract/test_this.py") == set(NAMES)


def test_whatever_looks_at_the_one_bake_is_given_to_one_worker() -> None:
    fixtures = re.compile(r"\b(bakery|baked|image|rebake_world): (Bakery|Baked|dict|RebakeWorld)")
    users = [
        f"tests/sandbox/{file.name}"
        for file in (TESTS / "sandbox").glob("test_*.py")
        if fixtures.search(file.read_text())
    ]

    assert len(users) > 8
    assert [path for path in users if not path.startswith(ONE_BAKE)] == []
