"""Acts on images that a recipe wants approved: a share by hand, and removals by a prune."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from flows.approval import Wanted, ask, refusal_of, state_of
from notebake.costs.estimate import format_monthly
from notebake.humanize import pluralize
from notebake.images.prune.plan import PrunePlan
from notebake.images.sharing.carry_out import wants_approval
from notebake.images.sharing.describe import describe_plan
from notebake.recipe import Recipe
from notebake.runs.approvals.subject import Fact, Paragraph, Subject
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run

if TYPE_CHECKING:
    from notebake.images.prune.decision import Decision
    from notebake.images.sharing.plan import SharePlan

REMOVE = "remove"


def check_share_approved(plan: "SharePlan", location: str) -> None:
    """Return if the share needs no approval, or has one; otherwise a person is asked.

    Raises:
        Pause: the flow run is suspended until somebody answers.
        ApprovalWantedError: nobody has answered, and it was not started in Prefect's UI.
        ApprovalRefusedError: a person does not want it.
    """
    if wants_approval(plan, location):
        recipe = load_run(plan.run_id, open_store(location)).recipe
        check_approved(share_by_hand(plan, recipe, location))


def share_by_hand(plan: "SharePlan", recipe: Recipe, location: str) -> Wanted:
    """Return what is to be approved before an image is shared by command or form."""
    words = tuple(describe_plan(plan))
    subject = Subject(
        kind="share",
        recipe=recipe.name,
        region=plan.region,
        title=f"share {plan.image_id} with {', '.join(plan.recipients)}",
        facts=(
            Fact(name="image", value=plan.image_id),
            Fact(name="snapshots", value=", ".join(plan.snapshot_ids)),
            Fact(name="recipients", value=", ".join(plan.recipients)),
            Fact(name="plan", value=plan.digest),
        ),
        price=f"The image costs {format_monthly(plan.usd_per_month)} a month, shared or not",
        if_unanswered="The image is not shared.",
        image_ids=(plan.image_id,),
    )
    evidence = (Paragraph(title="What would be done", lines=words),)
    return Wanted(subject, lambda: evidence, location, recipe.approval_days)


class Removals:
    """The removals of a prune, which some recipes want approved."""

    def __init__(self, recipes: Iterable[Recipe], location: str) -> None:
        self._recipes = [recipe for recipe in recipes if "delete" in recipe.approve]
        self._location = location
        self._to_ask: list[Wanted] = []

    def only_approved(self, plan: PrunePlan) -> PrunePlan:
        """Return the plan without removals that nobody has approved; they stay for now."""
        for recipe in self._recipes:
            removals = [
                each for each in plan.going if (each.action, each.recipe) == (REMOVE, recipe.name)
            ]
            if recipe.region != plan.region or not removals:
                continue
            wanted = removal_wanted(recipe, removals, self._location)
            found = state_of(wanted)
            if found.move == "go on":
                continue
            reason = "its removal was refused"
            if found.move != "refused":
                reason = "its removal is to be approved first"
                self._to_ask.append(wanted)
            plan = plan.without(removals, reason)
        return plan

    def ask(self) -> None:
        """Ask for what was left out; raises as `check_share_approved`."""
        for wanted in self._to_ask:
            ask(wanted)


def removal_wanted(recipe: Recipe, removals: "Sequence[Decision]", location: str) -> Wanted:
    """Return what is to be approved before images are removed with their snapshots."""
    costs = [each.usd_per_month for each in removals]
    total = None if None in costs else sum(cost for cost in costs if cost is not None)
    subject = Subject(
        kind="delete",
        recipe=recipe.name,
        region=recipe.region,
        title=f"remove {pluralize(len(removals), 'image')} of {recipe.name} in {recipe.region}",
        facts=tuple(
            Fact(name=each.image_id, value=", ".join(each.snapshot_ids) or "no snapshot")
            for each in removals
        ),
        price=f"Their snapshots cost {format_monthly(total)} a month at most until they go",
        if_unanswered="The images stay disabled, with their snapshots.",
        image_ids=tuple(each.image_id for each in removals),
    )
    lines = tuple(f"{each.image_id} (run {each.run_id}): {each.reason}" for each in removals)
    evidence = (Paragraph(title="Why they would go", lines=lines),)
    return Wanted(subject, lambda: evidence, location, recipe.approval_days)


def check_approved(wanted: Wanted) -> None:
    """Return if a person has approved this; raises as `check_share_approved`."""
    ask(wanted)
    found = state_of(wanted)
    if found.move == "refused":
        raise refusal_of(found.question, wanted.location)
