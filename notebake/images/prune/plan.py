"""The plan of a prune: what becomes of each image of a region, to be shown before it is done."""

import datetime
from collections.abc import Mapping, Sequence

from notebake.aws.shown_images import ShownImages, show_images
from notebake.humanize import pluralize
from notebake.images.prune.decision import Decision, decide
from notebake.images.prune.gather import ask_users, gather, list_unread
from notebake.images.prune.marks import Mark, StoredMarks
from notebake.images.prune.settle import settled
from notebake.images.prune.stages import Action
from notebake.recipe import Recipe
from notebake.record import Record, digest_of
from notebake.store.interface import RunStore

DONE: Mapping[Action, str] = {
    "deprecate": "deprecated",
    "disable": "disabled",
    "remove": "removed",
}


class PrunePlan(Record):
    """What a prune would do now. It can be stored, and compared with a later one."""

    region: str
    at: datetime.datetime
    decisions: tuple[Decision, ...]
    unread: tuple[str, ...] = ()
    """What could not be read; the images that it concerns stay."""
    loose_snapshots: int = 0
    """Snapshots of runs that belong to no image: no prune touches them."""

    @property
    def going(self) -> tuple[Decision, ...]:
        return tuple(decision for decision in self.decisions if decision.goes)

    @property
    def digest(self) -> str:
        """The short name of exactly what would be done: not of when, nor of the words."""
        return digest_of(
            self.region, [[each.action, each.image_id, *each.snapshot_ids] for each in self.going]
        )

    @property
    def removed_usd_per_month(self) -> float | None:
        """What the snapshots that would be removed cost at most; None if that is unknown."""
        costs = [each.usd_per_month for each in self.going if each.action == "remove"]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None

    def restricted_to(self, agreed: "PrunePlan") -> "PrunePlan":
        """Return the plan without what was not in an earlier one that somebody has agreed to."""
        allowed = {(each.action, each.image_id) for each in agreed.going}
        others = [each for each in self.going if (each.action, each.image_id) not in allowed]
        return self.without(others, "not in the plan that was agreed to")

    def without(self, left: Sequence[Decision], reason: str) -> "PrunePlan":
        """Return the plan in which the images of these decisions stay, with the reason."""
        ids = {each.image_id for each in left}
        return self.model_copy(
            update={
                "decisions": tuple(
                    each.model_copy(update={"action": "stay", "reason": reason})
                    if each.image_id in ids
                    else each
                    for each in self.decisions
                )
            }
        )


def make_plan(
    recipes: Sequence[Recipe],
    region: str,
    store: RunStore,
    awaiting_approval: frozenset[str] = frozenset(),
) -> PrunePlan:
    """Return what a prune would do in a region now; nothing is changed.

    Raises:
        CloudError: EC2 does not list the images.
        RunStoreError: the store failed.
    """
    shown, marks = show_images(region), StoredMarks(region, store).images
    return plan_of(shown, recipes, region, store, settled(marks, shown), awaiting_approval)


def plan_of(
    shown: ShownImages,
    recipes: Sequence[Recipe],
    region: str,
    store: RunStore,
    marks: Mapping[str, Mark],
    awaiting_approval: frozenset[str],
) -> PrunePlan:
    """Return the plan for what a listing shows."""
    facts = ask_users(gather(shown, recipes, region, store, marks, awaiting_approval))
    return PrunePlan(
        region=region,
        at=facts.now,
        decisions=tuple(decide(facts)),
        unread=list_unread(facts),
        loose_snapshots=len(shown.loose),
    )


def describe_plan(plan: PrunePlan, *, is_done: bool = False) -> str:
    """Return the plan in one sentence: `13 images in us-west-2: disable 2, remove 1, 10 stay`."""
    counts = {action: sum(each.action == action for each in plan.going) for action in DONE}
    said = [
        f"{DONE[action] if is_done else action} {count}"
        for action, count in counts.items()
        if count
    ]
    stays = len(plan.decisions) - len(plan.going)
    images = pluralize(len(plan.decisions), "image")
    return f"{images} in {plan.region}: {', '.join([*said, f'{stays} stay'])}"
