"""When a newer image is baked without being asked for."""

import datetime
from typing import Any

import pytest

from notebake.errors import RecipeError
from notebake.images.rebake.decision import CAUSES, decide
from notebake.images.updates.cooldown_date import installed_at, with_date
from notebake.images.updates.current import GONE
from notebake.images.updates.finding import Cause, CauseFinding, Change
from notebake.images.updates.update_check import CAUSES as ALL_CAUSES
from notebake.images.updates.update_check import UpdateCheck
from notebake.ledger.summary import StepSummary
from notebake.recipe import Rebake, Recipe
from notebake.recipe.file import parse_recipe
from tests.update_images import NOON, current_image

NOW = NOON + datetime.timedelta(days=10)
XARRAY = Change(name="xarray", old="2026.9", new="2026.11")
DEFAULT = Rebake()


def changed(cause: Cause, *changes: Change, reason: str = "") -> CauseFinding:
    return CauseFinding(cause=cause, state="changed", changes=changes, reason=reason)


def not_asked(cause: Cause, reason: str = "No answer.") -> CauseFinding:
    return CauseFinding(cause=cause, state="not checked", reason=reason)


def check(*findings: CauseFinding, **fields: Any) -> UpdateCheck:
    known = {each.cause: each for each in findings}
    every = [known.get(cause, CauseFinding(cause=cause, state="unchanged")) for cause in ALL_CAUSES]
    usual = {"image_id": "ami-1", "image_state": "available", "accepted": NOON}
    return UpdateCheck.model_validate(
        {
            **{"recipe": "ocean", "region": "us-west-2", "checked": NOW, "findings": every},
            **usual,
            **fields,
        },
        from_attributes=True,
    )


DIRECT = changed("direct", XARRAY)
TABLE: dict[str, tuple[UpdateCheck, Rebake | None, int, str, str]] = {
    "nothing": (check(), DEFAULT, 0, "keep", "nothing changed since ami-1"),
    "counts": (
        *(check(DIRECT), DEFAULT, 0),
        *("rebake", "changed: direct (xarray 2026.9 -> 2026.11)"),
    ),
    "two count": (
        *(check(DIRECT, changed("base image")), DEFAULT, 0),
        *("rebake", "changed: base image, direct (xarray 2026.9 -> 2026.11)"),
    ),
    "does not count": (
        *(check(changed("tools", XARRAY), changed("data")), DEFAULT, 0, "keep"),
        "changed, but not among the causes that count: data (0 datasets),"
        " tools (xarray 2026.9 -> 2026.11)",
    ),
    "counts if the recipe says so": (
        *(check(changed("data")), Rebake(on=("data",)), 0),
        *("rebake", "changed: data (0 datasets)"),
    ),
    "other causes no longer count": (
        *(check(DIRECT), Rebake(on=("data",)), 0, "keep"),
        "changed, but not among the causes that count: direct (xarray 2026.9 -> 2026.11)",
    ),
    "old": (
        *(check(accepted=NOW - datetime.timedelta(days=91)), DEFAULT, 0),
        *("rebake", "older than 90 days (91)"),
    ),
    "not yet old": (
        *(check(accepted=NOW - datetime.timedelta(days=90)), DEFAULT, 0),
        *("keep", "nothing changed since ami-1"),
    ),
    "never old": (
        *(check(accepted=NOW - datetime.timedelta(days=999)), Rebake(max_age_days=None), 0),
        *("keep", "nothing changed since ami-1"),
    ),
    "not asked": (
        *(check(not_asked("base image")), DEFAULT, 0),
        *("not known", "base image cannot be asked: No answer."),
    ),
    "not asked, and does not count": (
        *(check(not_asked("data")), DEFAULT, 0),
        *("keep", "nothing changed since ami-1"),
    ),
    "not asked, but another has changed": (
        *(check(not_asked("base image"), DIRECT), DEFAULT, 0),
        *("rebake", "changed: direct (xarray 2026.9 -> 2026.11)"),
    ),
    "not asked, and old": (
        *(check(not_asked("base image"), accepted=NOW - datetime.timedelta(days=99)), DEFAULT, 0),
        *("rebake", "older than 90 days (99)"),
    ),
    "by hand": (
        *(check(DIRECT), None, 0),
        *("keep", "the recipe has no rebake policy, so that it is baked by hand only"),
    ),
    "no image": (
        *(check(image_id=None, accepted=None, findings=()), DEFAULT, 0),
        *("rebake", "no image of ocean was accepted yet"),
    ),
    "no image, by hand": (
        *(check(image_id=None, accepted=None, findings=()), None, 0),
        *("keep", "the recipe has no rebake policy, so that it is baked by hand only"),
    ),
    "no image, three failures": (
        *(check(image_id=None, accepted=None, findings=()), DEFAULT, 3, "stopped"),
        "3 rebakes of ocean in a row failed; there is no accepted image, and none is begun until a"
        " build succeeds or the recipe changes",
    ),
    "gone": (
        *(check(DIRECT, image_state=GONE), DEFAULT, 0, "not known"),
        "ami-1 is not there: removed, or not seen with these credentials",
    ),
    "revoked": (
        *(check(revoked="a key was in it"), DEFAULT, 0),
        *("rebake", "ami-1 was revoked: a key was in it"),
    ),
    "revoked, and gone": (
        *(check(image_state=GONE, revoked="a key was in it"), DEFAULT, 0),
        *("rebake", "ami-1 was revoked: a key was in it"),
    ),
    "revoked, by hand": (
        *(check(revoked="a key was in it"), None, 0),
        *("keep", "the recipe has no rebake policy, so that it is baked by hand only"),
    ),
    "revoked, three failures": (
        *(check(revoked="a key was in it"), DEFAULT, 3, "stopped"),
        "3 rebakes of ocean in a row failed; ami-1 stays as it is, and none is begun until a build"
        " succeeds or the recipe changes",
    ),
    "two failures": (
        *(check(DIRECT), DEFAULT, 2),
        *("rebake", "changed: direct (xarray 2026.9 -> 2026.11)"),
    ),
    "three failures": (
        *(check(DIRECT), DEFAULT, 3, "stopped"),
        "3 rebakes of ocean in a row failed; ami-1 stays as it is, and none is begun until a build"
        " succeeds or the recipe changes",
    ),
}


@pytest.mark.parametrize(
    ("found", "policy", "failures", "outcome", "reason"), TABLE.values(), ids=TABLE.keys()
)
def test_a_decision_has_its_reason_in_words(
    found: UpdateCheck, policy: Rebake | None, failures: int, outcome: str, reason: str
) -> None:
    decision = decide(found, policy, NOW, failures)

    assert (decision.outcome, decision.reason) == (outcome, reason)


def test_each_cause_of_a_check_can_count() -> None:
    assert sorted(CAUSES.values()) == sorted(ALL_CAUSES)


@pytest.mark.parametrize(
    ("installed", "cooldown", "until"),
    [
        (NOW - datetime.timedelta(days=40), 7, "2026-12-02T12:30:00Z"),
        # An image by hand has packages of its day: they are not made older.
        (NOW - datetime.timedelta(days=2), 7, "2026-12-07T12:30:00Z"),
        (NOW - datetime.timedelta(days=40), 0, None),
    ],
)
def test_a_cooldown_never_makes_a_package_older(
    installed: datetime.datetime, cooldown: int, until: str | None
) -> None:
    recipe = Recipe(name="ocean", rebake=Rebake(cooldown_days=cooldown))
    image = current_image(recipe).model_copy(update={"accepted": NOW})
    step = StepSummary(step="install_software", tries=1, outcome="done", at=installed.isoformat())
    image = image.model_copy(
        update={"summary": image.summary.model_copy(update={"steps": (step,)})}
    )

    dated = with_date(recipe, image, NOW)

    assert dated.packages_until == until
    assert with_date(dated, image, NOW + datetime.timedelta(days=9)) == dated


def test_the_image_of_a_rebake_has_the_packages_of_its_date() -> None:
    recipe = Recipe(name="ocean", rebake=Rebake(until="2026-11-01T00:00:00Z"))

    assert installed_at(current_image(recipe), ()).isoformat() == "2026-11-01T00:00:00+00:00"


@pytest.mark.parametrize(("exempt", "day"), [(("tide", "dask"), 1), (("dask",), 20)])
def test_a_package_that_no_longer_is_exempt_is_not_made_older(
    exempt: tuple[str, ...], day: int
) -> None:
    before = Rebake(until="2026-11-01T00:00:00Z", cooldown_except=("tide",))
    image = current_image(Recipe(name="ocean", rebake=before))
    step = StepSummary(step="install_software", tries=1, outcome="done", at="2026-11-20T09:00:00Z")
    image = image.model_copy(
        update={
            "summary": image.summary.model_copy(update={"steps": (step,)}),
            "accepted": NOW,
        }
    )

    assert (installed_at(image, exempt).month, installed_at(image, exempt).day) == (11, day)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rebake: {on: []}", "rebake.on: must have at least 1 entries"),
        ("rebake: {on: [apt]}", r"rebake.on\[0\]: must be base, security, "),
        ("rebake: {on: [data, data]}", r"rebake.on\[1\]: data is given twice"),
        ("rebake: {failures: 0}", "rebake.failures: must be at least 1, not 0"),
        (
            "rebake: {cooldown_except: [tide, tide]}",
            r"rebake.cooldown_except\[1\]: tide is given twice",
        ),
        (
            "rebake: {cooldown_except: ['tide>1']}",
            r"rebake.cooldown_except\[0\]: must be the name of a Python package",
        ),
        (
            "rebake: {cooldown_days: 0, cooldown_except: [tide]}",
            "rebake.cooldown_except: with cooldown_days: 0, no package waits",
        ),
        ("rebake: {until: today}", "rebake.until: must be a time such as 2026-11-23T00:00:00Z"),
        (
            "software: {manager: conda}\nrebake: {}",
            "rebake.cooldown_days: with manager: conda, must be 0: conda's packages cannot be",
        ),
    ],
)
def test_a_faulty_policy_is_refused(text: str, fault: str) -> None:
    with pytest.raises(RecipeError, match=fault):
        parse_recipe(f"name: x\n{text}\n", "r")


def test_a_policy_with_on_and_null_is_read_as_it_is_written() -> None:
    text = "name: x\nrebake:\n  on: [base, data]\n  max_age_days: null\n  cooldown_days: 0\n"

    assert parse_recipe(text, "r").rebake == Rebake(
        on=("base", "data"), max_age_days=None, cooldown_days=0
    )
