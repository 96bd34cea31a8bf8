"""Shares by hand and removals by a prune, of recipes that want a person to approve them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from flows.approval import ApprovalWantedError
from flows.approved_acts import Removals, check_share_approved
from notebake.errors import ApprovalRefusedError
from notebake.images.prune.decision import Decision
from notebake.images.prune.plan import PrunePlan
from notebake.images.sharing.carry_out import carry_out
from notebake.images.sharing.plan import SharePlan, plan_share, plan_unshare
from notebake.runs.approvals.approval_log import ApprovalLog, awaiting_images
from notebake.runs.approvals.question import Question
from notebake.timestamps import utc_from_seconds
from tests.cloud_world import REGION
from tests.pointer_world import RECIPE, Baked, PointerWorld, pointer_world

ACCOUNT = "210987654321"
ASKING = RECIPE.model_copy(update={"approve": ("share", "delete")})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PointerWorld]:
    with pointer_world(tmp_path) as opened:
        yield opened


def share_of(baked: Baked, world: PointerWorld, *accounts: str) -> SharePlan:
    return plan_share(baked[1].id, REGION, accounts or (ACCOUNT,), world.store)


def open_question(world: PointerWorld) -> Question:
    """Return the only question that can be answered now."""
    log = ApprovalLog(world.location)
    (found,) = [each for each in log.questions().values() if each.status(log.now()) == "open"]
    return found


def answer(world: PointerWorld, decision: Literal["approve", "refuse"]) -> None:
    question = open_question(world)
    ApprovalLog(world.location).answer(
        question.number,
        digest=question.digest,
        decision=decision,
        name="Ada",
        reason="as agreed",
        channel="terminal",
    )


def test_a_share_by_hand_waits_for_its_approval_and_holds_for_these_recipients(
    world: PointerWorld,
) -> None:
    baked = world.bake(recipe=ASKING)
    plan = share_of(baked, world)
    with pytest.raises(ApprovalWantedError, match=f"share {baked[1].id} with {ACCOUNT}"):
        check_share_approved(plan, world.location)
    assert baked[1].id in awaiting_images(world.location)
    answer(world, "approve")

    check_share_approved(plan, world.location)
    assert carry_out(plan, world.store).outcome == "done"
    with pytest.raises(ApprovalWantedError):
        check_share_approved(share_of(baked, world, "123123123123"), world.location)


def test_a_refused_share_says_by_whom(world: PointerWorld) -> None:
    plan = share_of(world.bake(recipe=ASKING), world)
    with pytest.raises(ApprovalWantedError):
        check_share_approved(plan, world.location)
    answer(world, "refuse")
    with pytest.raises(ApprovalRefusedError, match="Ada"):
        check_share_approved(plan, world.location)


def test_taking_back_and_other_recipes_need_no_approval(world: PointerWorld) -> None:
    asking, plain = world.bake(recipe=ASKING), world.bake()
    check_share_approved(share_of(plain, world), world.location)
    taken_back = plan_unshare(asking[1].id, REGION, (ACCOUNT,), world.store)
    check_share_approved(taken_back, world.location)
    assert ApprovalLog(world.location).questions() == {}


def plan_of(*ids: str, action: str = "remove") -> PrunePlan:
    return PrunePlan(
        region=REGION,
        at=utc_from_seconds(1_800_000_000),
        decisions=tuple(
            Decision(
                image_id=image_id,
                recipe=ASKING.name,
                run_id=f"run-of-{image_id}",
                state="disabled",
                action=action,
                reason="disabled for 30 days",
                usd_per_month=1.5,
                snapshot_ids=(f"snap-of-{image_id}",),
            )
            for image_id in ids
        ),
    )


def test_a_removal_is_left_out_until_it_is_approved(world: PointerWorld) -> None:
    plan = plan_of("ami-1", "ami-2")
    removals = Removals([ASKING], world.location)
    left = removals.only_approved(plan)
    assert left.going == ()
    assert {each.reason for each in left.decisions} == {"its removal is to be approved first"}
    with pytest.raises(ApprovalWantedError, match="remove 2 images of ocean"):
        removals.ask()
    assert awaiting_images(world.location) == {"ami-1", "ami-2"}
    answer(world, "approve")

    assert awaiting_images(world.location) == frozenset()
    assert Removals([ASKING], world.location).only_approved(plan) == plan
    # One image more is another plan: the approval does not hold for it.
    assert Removals([ASKING], world.location).only_approved(plan_of("ami-1", "ami-3")).going == ()


def test_a_refused_removal_stays_with_that_reason(world: PointerWorld) -> None:
    plan = plan_of("ami-1")
    removals = Removals([ASKING], world.location)
    removals.only_approved(plan)
    with pytest.raises(ApprovalWantedError):
        removals.ask()
    answer(world, "refuse")
    again = Removals([ASKING], world.location)
    assert [each.reason for each in again.only_approved(plan).decisions] == [
        "its removal was refused"
    ]
    again.ask()


def test_what_only_deprecates_or_is_of_another_recipe_needs_no_approval(
    world: PointerWorld,
) -> None:
    for recipe, plan in (
        (ASKING, plan_of("ami-1", action="deprecate")),
        (RECIPE, plan_of("ami-1")),
        (ASKING.model_copy(update={"name": "other"}), plan_of("ami-1")),
    ):
        removals = Removals([recipe], world.location)
        assert removals.only_approved(plan) == plan
        removals.ask()
