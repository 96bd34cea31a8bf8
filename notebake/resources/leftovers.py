"""What a run has in the account, and what of it should not be there any more."""

from collections.abc import Mapping, Set
from typing import NamedTuple

from notebake.aws import inventory, schedules
from notebake.aws.inventory import list_resources
from notebake.aws.model import Resource
from notebake.resources.kinds import prove_ownership
from notebake.resources.ownership import Ownership, OwnershipVerdict
from notebake.resources.retention import is_accepted
from notebake.runs import tag_repair
from notebake.runs.attempt_store import Attempt, list_attempts
from notebake.runs.attempts import open_client_tokens
from notebake.runs.run import Run


class Belongings(NamedTuple):
    """What a run has in the account, by id, and the ids that it has kept as made."""

    found: dict[str, Resource]
    known_ids: Set[str]

    def judge(self, one: Resource) -> OwnershipVerdict:
        """Return whether one of them is truly the run's."""
        return prove_ownership(one, self.found, self.known_ids)


def belongings(run: Run) -> Belongings:
    """Return all that a run has: what carries its tag, and by kept ids and tokens what has lost it.

    Who executes the run puts lost tags back.
    """
    region, every = run.recipe.region, list_attempts(run)
    makers = tag_repair.attempts_by_resource(every)
    tagged = {one.id: one for one in list_resources(region, run.id)}
    unseen = {id: run.id for id in makers if id not in tagged}
    kept = inventory.list_kept(region, unseen, dict.fromkeys(open_client_tokens(every), run.id))
    found = {one.id: one for one in kept} | tagged
    complete = {id: _with_lost_tags(run, one, makers) for id, one in found.items()}
    return Belongings(complete, makers.keys())


def _with_lost_tags(run: Run, one: Resource, makers: Mapping[str, Attempt]) -> Resource:
    if one.state == "shutting-down":
        return one
    told = tag_repair.repair_tags(run, one.id, one.tags, makers, one.parts)
    return one.model_copy(update={"tags": told})


def left_over(run: Run) -> list[Resource]:
    """Return what of the run is in the account although it should not outlive it.

    An accepted image stays, with its snapshots; what somebody has copied is not the run's. The
    run's keys are not among it: a tear-down forgets them when all else is gone.
    """
    has = belongings(run)
    left = [
        one
        for one in has.found.values()
        if not is_accepted(one, has.found) and has.judge(one).ownership is not Ownership.COPIED
    ]
    if run.recipe.scheduler_role:
        left += schedules.list_schedules(run.recipe.region, run.id)
    return left


def describe_resource(resource: Resource) -> str:
    """Return one line about a resource."""
    state = f" ({resource.state})" if resource.state else ""
    return f"{resource.kind} {resource.id}{state}"
