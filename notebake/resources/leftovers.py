"""The resources of a run in the account, and those that its tear-down must remove."""

from collections.abc import Mapping, Set
from typing import NamedTuple

from notebake.aws import inventory, schedules
from notebake.aws.inventory import list_resources
from notebake.aws.model import Resource
from notebake.ledger.attempt import Attempt, open_client_tokens
from notebake.resources.kinds import prove_ownership
from notebake.resources.ownership import Ownership, OwnershipVerdict
from notebake.resources.retention import is_accepted, is_copy
from notebake.runs import tag_repair
from notebake.runs.attempt_store import list_attempts
from notebake.runs.run import Run


class RunResources(NamedTuple):
    """The resources of a run by id, and the ids that the run has recorded."""

    found: dict[str, Resource]
    known_ids: Set[str]

    def prove(self, resource: Resource) -> OwnershipVerdict:
        return prove_ownership(resource, self.found, self.known_ids)


def find_resources(run: Run) -> RunResources:
    """Return the resources of a run: by its tag, and by recorded ids and client tokens.

    An execution of the run also restores the tags that they have lost.
    """
    region, attempts = run.recipe.region, list_attempts(run)
    makers = tag_repair.attempts_by_resource(attempts)
    tagged = {resource.id: resource for resource in list_resources(region, run.id)}
    untagged_ids = {id: run.id for id in makers if id not in tagged}
    tokens = dict.fromkeys(open_client_tokens(attempts), run.id)
    recorded = inventory.list_kept(region, untagged_ids, tokens)
    found = {resource.id: resource for resource in recorded} | tagged
    repaired = {id: _with_lost_tags(run, resource, makers) for id, resource in found.items()}
    return RunResources(repaired, makers.keys())


def _with_lost_tags(run: Run, resource: Resource, makers: Mapping[str, Attempt]) -> Resource:
    if resource.state == "shutting-down":
        return resource
    repaired = tag_repair.repair_tags(run, resource.id, resource.tags, makers, resource.parts)
    return resource.model_copy(update={"tags": repaired})


def find_leftovers(run: Run) -> list[Resource]:
    """Return the resources that must not outlive the run.

    Not among them: an accepted image with its snapshots, copies of the run's image and resources,
    and the run's keys, which the tear-down deletes last.
    """
    of_run = find_resources(run)
    leftovers = [
        resource
        for resource in of_run.found.values()
        if not is_accepted(resource, of_run.found)
        and not is_copy(resource)
        and of_run.prove(resource).ownership is not Ownership.COPIED
    ]
    if run.recipe.scheduler_role:
        leftovers += schedules.list_schedules(run.recipe.region, run.id)
    return leftovers


def describe_resource(resource: Resource) -> str:
    """Return the kind, the id and the state of a resource."""
    state = f" ({resource.state})" if resource.state else ""
    return f"{resource.kind} {resource.id}{state}"
