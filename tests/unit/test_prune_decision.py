"""Which images go, and why each stays: by the facts alone."""

import datetime
from typing import Any

import pytest

from notebake.errors import RecipeError
from notebake.images.pointer_record import Move, PointedImage, Pointer
from notebake.images.prune.decision import Decision, decide
from notebake.images.prune.facts import ImageFacts, RecipeFacts, RegionFacts, Unread
from notebake.images.prune.marks import Mark
from notebake.recipe.file import parse_recipe
from notebake.recipe.prune import Prune

NOW = datetime.datetime(2026, 11, 30, 12, 0, tzinfo=datetime.UTC)
POLICY = Prune(
    keep=2,
    younger_than_days=30,
    launched_within_days=10,
    disable_after_days=20,
    remove_after_days=15,
)
OLD = "ami-old"
LOST = Unread(reason="EC2 gave no answer")


def ago(days: float) -> datetime.datetime:
    return NOW - datetime.timedelta(days=days)


def image(image_id: str = OLD, days: float = 100, **changes: Any) -> ImageFacts:
    """Return an image that nobody uses."""
    made = ago(days)
    usual: dict[str, Any] = {
        "recipe": "ocean",
        "run_id": f"run-of-{image_id}",
        "state": "available",
        "made_at": made,
        "accepted_at": made + datetime.timedelta(hours=1),
        "last_launched": made + datetime.timedelta(minutes=30),
        "snapshot_ids": (f"snap-of-{image_id}",),
        "uses": (),
        "recipients": (),
    }
    return ImageFacts(image_id=image_id, **usual | changes)


NEWEST = (image("ami-new-1", 1), image("ami-new-2", 2))


def region(*images: ImageFacts, pointer: Any = None, **changes: Any) -> RegionFacts:
    """Return a region in which the two newest images are like all others."""
    every = (*NEWEST, *images)
    recipe = RecipeFacts(is_given=True, policy=POLICY, pointer=pointer)
    usual: dict[str, Any] = {
        "region": "us-west-2",
        "now": NOW,
        "images": every,
        "recipes": dict.fromkeys({each.recipe for each in every}, recipe),
        "named": {},
        "bases": {},
    }
    return RegionFacts(**usual | changes)


def decided(facts: RegionFacts, image_id: str = OLD) -> Decision:
    (found,) = [each for each in decide(facts) if each.image_id == image_id]
    return found


def outcome(facts: RegionFacts, image_id: str = OLD) -> tuple[str, str]:
    found = decided(facts, image_id)
    return found.action, found.reason


def pointed(image_id: str) -> PointedImage:
    return PointedImage(image_id=image_id, run_id="r", since=NOW, by="p-ada")


def pointer(current: str = "ami-new-1", *previous: str, **more: Any) -> Pointer:
    return Pointer(
        recipe="ocean",
        region="us-west-2",
        current=pointed(current),
        previous=tuple(map(pointed, previous)),
        **more,
    )


def mark(**changes: Any) -> Mark:
    return Mark(recipe="ocean", since=ago(15), **changes)


MOVE = Move(token="1", to=pointed(OLD))  # noqa: S106  (not a secret)
OTHER = image("ami-tide", 50, recipe="tides", base_image_id=OLD)
STAYS: dict[str, tuple[RegionFacts, str]] = {
    "not ours": (
        region(image(doubt="a copy, not ours: of another")),
        "a copy, not ours: of another",
    ),
    "kept": (region(image(is_kept=True)), "tagged notebake:keep"),
    "protected": (
        region(image(is_protected=True)),
        "protected against deregistration in EC2",
    ),
    "current": (region(image(), pointer=pointer(OLD)), "current"),
    "held": (region(image(), pointer=pointer(OLD, is_held=True)), "current, held"),
    "about to become current": (
        region(image(), pointer=pointer(moving=MOVE)),
        "about to become current",
    ),
    "previous": (
        region(image(), pointer=pointer("ami-new-1", OLD)),
        "previous: a rollback goes back to it",
    ),
    "previous behind one that is gone": (
        region(image(), pointer=pointer("ami-new-1", OLD, "ami-gone")),
        "previous: a rollback goes back to it",
    ),
    "previous behind one that is revoked": (
        region(
            image(), image("ami-bad", 90, is_revoked=True), pointer=pointer("ami-1", OLD, "ami-bad")
        ),
        "previous: a rollback goes back to it",
    ),
    "pointer not read": (
        region(image(), pointer=Unread(reason="it is no JSON")),
        "which image is current could not be read: it is no JSON",
    ),
    "newer than a held one": (
        region(
            image(days=100), image("ami-older", 200), pointer=pointer("ami-older", is_held=True)
        ),
        "newer than the current image, which is held",
    ),
    "held at one that is gone": (
        region(image(), pointer=pointer("ami-gone", is_held=True)),
        "newer than the current image, which is held",
    ),
    "named": (region(image(), named={"ocean": OLD}), "named by the parameter of its recipe"),
    "names not read": (
        region(image(), named=LOST),
        "which images are named by parameters could not be read: EC2 gave no answer",
    ),
    "awaiting approval": (
        region(image(), awaiting_approval=frozenset((OLD,))),
        "an approval is waiting for an answer",
    ),
    "not accepted": (
        region(image(is_accepted=False)),
        "not accepted: `notebake sweep` removes it after its lease",
    ),
    "another recipe": (
        region(image(), recipes={"ocean": RecipeFacts()}),
        "no recipe was given that says what becomes of it",
    ),
    "no policy": (
        region(image(), recipes={"ocean": RecipeFacts(is_given=True)}),
        "its recipe has no part `prune`",
    ),
    "failed": (region(image(state="failed")), "EC2 says that it is failed"),
    "pending": (region(image(state="pending")), "EC2 says that it is pending"),
    "undated": (region(image(made_at=None)), "EC2 does not tell when it was made"),
    "young": (region(image(days=29.9)), "younger than 30 days"),
    "launched": (
        region(image(last_launched=ago(9.9))),
        "a machine was launched from it on 2026-11-20",
    ),
    "base of a recipe": (
        region(image(), bases={OLD: "tides"}),
        "the base image of the recipe tides",
    ),
    "base of an image": (region(image(), OTHER), "the base of ami-tide, recipe tides"),
    "public": (region(image(is_public=True)), "shared with everybody"),
    "deprecated later": (
        region(image(deprecated_from=NOW + datetime.timedelta(minutes=5))),
        "deprecated from 2026-11-30 12:05 on",
    ),
    "deprecated of late": (
        region(image(deprecated_from=ago(19.9))),
        "deprecated since 2026-11-10, disabled from 2026-11-30 on",
    ),
    "disabled of late": (
        region(image(state="disabled", mark=mark(disabled_at=ago(14.9)))),
        "disabled since 2026-11-15, removed from 2026-11-30 on",
    ),
    "disabled by a person": (
        region(image(state="disabled")),
        "disabled, but not by a prune that this run store knows",
    ),
    "enabled again": (
        region(image(deprecated_from=ago(90), mark=mark(disabled_at=ago(15)))),
        "enabled again after a prune had disabled it on 2026-11-15",
    ),
    "in use": (region(image(uses=("instance/i-1",))), "in use: instance/i-1"),
    "in use by many": (
        region(image(uses=("a", "b", "c", "d", "e"))),
        "in use: a, b, c and 2 more",
    ),
    "uses not read": (
        region(image(uses=LOST)),
        "what refers to it is not known: EC2 gave no answer",
    ),
    "shared": (region(image(recipients=("1234", "org"))), "shared with 1234, org"),
    "sharing not read": (
        region(image(recipients=LOST)),
        "with whom it is shared is not known: EC2 gave no answer",
    ),
}


@pytest.mark.parametrize("case", STAYS)
def test_an_image_stays_for_one_reason(case: str) -> None:
    facts, reason = STAYS[case]

    assert outcome(facts) == ("stay", reason)


GOES: dict[str, tuple[RegionFacts, tuple[str, str]]] = {
    "old": (
        region(image(days=30)),
        ("deprecate", "30 days old or older, and not the 2 accepted last"),
    ),
    "launched long ago": (
        region(image(last_launched=ago(10))),
        ("deprecate", "30 days old or older, and not the 2 accepted last"),
    ),
    "once current, long ago": (
        region(image(), image("ami-b", 50), pointer=pointer("ami-new-1", OLD, "ami-b")),
        ("deprecate", "30 days old or older, and not the 2 accepted last"),
    ),
    "older than the current image, which is held": (
        region(image(), pointer=pointer("ami-new-2", is_held=True)),
        ("deprecate", "30 days old or older, and not the 2 accepted last"),
    ),
    "deprecated long enough": (
        region(image(deprecated_from=ago(20))),
        ("disable", "deprecated since 2026-11-10"),
    ),
    "disabled long enough": (
        region(image(state="disabled", mark=mark(disabled_at=ago(15)))),
        ("remove", "disabled since 2026-11-15"),
    ),
    "the base of an image of its own recipe": (
        region(image(), image("ami-next", 90, base_image_id=OLD)),
        ("deprecate", "30 days old or older, and not the 2 accepted last"),
    ),
    "the base of an image that is disabled": (
        region(image(), OTHER.model_copy(update={"state": "disabled"})),
        ("deprecate", "30 days old or older, and not the 2 accepted last"),
    ),
    "revoked, and young": (region(image(days=1, is_revoked=True)), ("disable", "revoked")),
}


@pytest.mark.parametrize("case", GOES)
def test_an_image_goes_by_one_stage(case: str) -> None:
    facts, expected = GOES[case]

    assert outcome(facts) == expected


def test_a_revoked_image_is_none_of_those_that_are_kept() -> None:
    first, second = NEWEST
    images = (first.model_copy(update={"is_revoked": True}), second, image(), image("ami-3", 99))
    facts = region()._replace(images=images)

    assert outcome(facts, first.image_id) == ("disable", "revoked")
    assert outcome(facts, "ami-3") == ("stay", "one of the 2 accepted last")
    assert outcome(facts)[0] == "deprecate"


def test_neither_what_is_disabled_nor_a_copy_counts_among_those_that_are_kept() -> None:
    unusable: list[dict[str, Any]] = [
        {"state": "disabled"},
        {"doubt": "a copy"},
        {"is_accepted": False},
    ]
    for changes in unusable:
        images = (NEWEST[0].model_copy(update=changes), NEWEST[1], image())

        assert outcome(region()._replace(images=images)) == ("stay", "one of the 2 accepted last")


def test_a_revoked_image_is_used_like_any_other() -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"uses": ("instance/i-1",)}, "in use: instance/i-1"),
        ({"last_launched": ago(1)}, "a machine was launched from it on 2026-11-29"),
        ({"is_kept": True}, "tagged notebake:keep"),
    )
    for changes, reason in cases:
        facts = region(image(is_revoked=True, **changes))

        assert outcome(facts) == ("stay", reason)
    assert outcome(region(image(is_revoked=True), pointer=pointer(OLD))) == ("stay", "current")


def test_launches_that_proved_the_image_are_no_use_of_it() -> None:
    proved = image(days=40, last_launched=ago(5), accepted_at=ago(4))

    assert outcome(region(proved))[0] == "deprecate"
    used = proved.model_copy(update={"last_launched": ago(3)})
    assert outcome(region(used)) == ("stay", "a machine was launched from it on 2026-11-27")


def test_what_nobody_asked_for_is_not_unused() -> None:
    fresh = image().model_copy(update={"uses": ImageFacts.model_fields["uses"].default})

    assert outcome(region(fresh)) == ("stay", "what refers to it is not known: nobody asked")


def test_images_are_decided_by_recipe_and_age() -> None:
    facts = region(
        image(), image("ami-tide", 3, recipe="tides"), image("ami-tide-2", 1, recipe="tides")
    )

    ids = [each.image_id for each in decide(facts)]

    assert ids == ["ami-new-1", "ami-new-2", OLD, "ami-tide-2", "ami-tide"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("prune: {keep: 0}", "prune.keep: must be at least 1, not 0"),
        ("prune: {launched_within_days: 1}", "prune.launched_within_days: must be at least 2"),
        ("prune: {remove_after_days: 1}", "prune.remove_after_days: must be at least 2"),
        ("prune: {disable_after_days: '9'}", "prune.disable_after_days: must be a whole number"),
        ("prune: {kepe: 9}", "did you mean keep?"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(text: str, fault: str) -> None:
    with pytest.raises(RecipeError, match=fault.replace("?", r"\?")):
        parse_recipe(f"name: x\n{text}\n", "r")


def test_an_empty_policy_has_the_defaults_and_none_keeps_all() -> None:
    assert parse_recipe("name: x\nprune: {}\n", "r").prune == Prune()
    assert parse_recipe("name: x\n", "r").prune is None
