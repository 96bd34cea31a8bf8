"""Awards: in the recipe with shares, in the file with periods, and what is warned of."""

import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from notebake import clock
from notebake.costs.awards import VARIABLE, parse_awards, read_awards
from notebake.errors import RecipeError
from notebake.preflight.award import check_awards
from notebake.recipe import Recipe
from notebake.recipe.file import parse_recipe
from notebake.runs.run import Run
from tests.recipe_text import dump_recipe
from tests.recorded_run import At

ONE = "award: {number: OCE-1, purpose: teaching}"
KNOWN = """\
awards:
  - {number: OCE-1, title: a bay, pi: Ada, start: 2026-01-01, end: 2026-12-31}
"""


def read(text: str) -> Recipe:
    return parse_recipe(f"name: x\n{text}\n", "r")


def faults_of_recipe(text: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        read(text)
    return caught.value.message.splitlines()


def faults_of_file(text: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_awards(text, "a")
    return caught.value.message.splitlines()


def test_one_award_pays_all_and_needs_no_list() -> None:
    recipe = read(ONE)

    assert [(award.number, award.percent) for award in recipe.award] == [("OCE-1", Decimal(100))]
    assert parse_recipe(dump_recipe(recipe), "dump") == recipe
    assert recipe == read("award: [{number: OCE-1, purpose: teaching}]")


@pytest.mark.parametrize(
    "shares", [(33.3, 66.7), (33.33, 33.33, 33.34), (0.1, 0.2, 99.7), (14.29,) * 6 + (14.26,)]
)
def test_shares_that_sum_to_100_as_people_add_them_are_accepted(shares: tuple[float, ...]) -> None:
    listed = [f"{{number: A-{n}, purpose: b, share: {s}}}" for n, s in enumerate(shares)]

    awards = read(f"award: [{', '.join(listed)}]").award

    assert sum(award.percent for award in awards) == 100


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("award: OCE", "r:2:8: award: must hold fields, one per line, not 'OCE'"),
        ("award: {number: OCE-1}", "r:2:8: award.purpose: is missing"),
        ("award: {nmber: A, number: A, purpose: b}", "r:2:9: award.nmber: unknown field;"),
        ("award: {number: '', purpose: b}", "r:2:17: award.number: must be an award's number,"),
        ("award: {number: A, purpose: ' '}", "r:2:29: award.purpose: must be one line of text,"),
        (
            f"award: {{number: A, purpose: {'b' * 201}}}",
            "r:2:29: award.purpose: must have at most 200 characters",
        ),
        (
            "award: {number: A, purpose: b, share: 50}",
            "r:2:8: award: the shares must sum to 100, not 50",
        ),
        (
            "award: [{number: A, purpose: b, share: 50}, {number: B, purpose: b, share: 50.5}]",
            "r:2:8: award: the shares must sum to 100, not 100.5",
        ),
        (
            "award: [{number: A, purpose: b}, {number: B, purpose: b, share: 50}]",
            "r:2:9: award[0].share: is needed, in percent, as there are several awards",
        ),
        (
            "award: [{number: A, purpose: b, share: 0}, {number: B, purpose: b, share: 100}]",
            "r:2:40: award[0].share: must be at least 0.01, not 0",
        ),
        (
            "award: [{number: A, purpose: b, share: 50}, {number: A, purpose: b, share: 50}]",
            "r:2:54: award[1].number: A is given twice",
        ),
    ],
)
def test_a_wrong_award_is_refused_at_its_place(text: str, fault: str) -> None:
    (found,) = faults_of_recipe(text)

    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["a:1:1: the file is empty; a list of awards needs at least awards:"]),
        ("award: []", ["a:1:1: awards: is missing", "a:1:1: award: unknown field; did you mean"]),
        (KNOWN.replace("a bay, ", "a bay, pl: b, "), ["a:2:35: awards[0].pl: unknown field;"]),
        (
            KNOWN.replace("2026-01-01", "20260101"),
            ["a:2:51: awards[0].start: must be a date such as 2026-11-23, not '20260101'"],
        ),
        (
            KNOWN.replace("2026-12-31", "2025-12-31"),
            ["a:2:68: awards[0].end: 2025-12-31 is before the start, 2026-01-01"],
        ),
        (
            KNOWN.replace("12-31}", "12-31, final_report: 2025-01-01}"),
            ["a:2:94: awards[0].final_report: 2025-01-01 is before the start, 2026-01-01"],
        ),
        (KNOWN + KNOWN.splitlines()[1], ["a:3:14: awards[1].number: OCE-1 is given twice"]),
    ],
)
def test_a_wrong_file_of_awards_is_refused_with_all_faults(text: str, faults: list[str]) -> None:
    found = faults_of_file(text)

    assert [line[: len(fault)] for line, fault in zip(found, faults, strict=True)] == faults


def test_the_file_in_the_repository_is_read_by_default() -> None:
    assert read_awards()["OCE-0000001"].end == datetime.date(2028, 8, 31)


def test_without_a_file_nothing_is_known_but_a_named_one_must_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_awards() == {}

    monkeypatch.setenv(VARIABLE, "none.yaml")
    with pytest.raises(RecipeError, match=r"none\.yaml: cannot be read"):
        read_awards()


@pytest.mark.parametrize(
    ("time", "warning"),
    [
        ("2025-12-31T23:59", "Award OCE-1 begins on 2026-01-01: what is spent today"),
        ("2026-01-01T00:00", ""),
        ("2026-12-31T23:59", ""),
        ("2027-01-01T00:00", "Award OCE-1 ended on 2026-12-31: what is spent today"),
    ],
)
def test_a_day_outside_of_the_period_is_warned_of(
    time: str, warning: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(KNOWN, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "a.yaml"))

    assert warnings(ONE, time)[:1] == [warning] * bool(warning)


def test_an_unknown_award_and_an_unreadable_file_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert warnings(ONE) == ["Award OCE-1 is not in deployments/awards.yaml."]
    (tmp_path / "a.yaml").write_text("awards: x", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "a.yaml"))

    (unreadable,) = warnings(ONE)

    assert "a.yaml:1:9: awards: must be a list" in unreadable
    assert warnings("") == [], "without an award nobody reads the file"


def warnings(text: str, time: str = "2026-06-01T00:00") -> list[str]:
    """Return the sentences of the warnings, without their last part where a colon divides them."""
    run = Run(id="x", recipe=read(text), store="")
    seconds = datetime.datetime.fromisoformat(f"{time}+00:00").timestamp()
    with clock.replaced(At(seconds)):
        found = list(check_awards(run))
    return [
        finding.sentence.replace(" lies outside of its period.", "")
        for finding in found
        if finding.verdict == "warning"
    ]
