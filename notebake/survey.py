"""What a run has in the account, and what of it should not be there any more."""

from notebake.aws import inventory, schedules
from notebake.fate import is_accepted
from notebake.ownership import Ownership, judge
from notebake.records import Resource, Run


def survey(region: str, run_id: str = "") -> list[Resource]:
    """Return everything that carries a run's tag, by looking. Needs nothing but credentials."""
    return inventory.list_resources(region, run_id)


def left_over(run: Run) -> list[Resource]:
    """Return what of the run is in the account although it should not outlive it.

    An accepted image stays, with its snapshots; what somebody has copied is not the run's. The
    run's keys are not among it: a tear-down forgets them when all else is gone.
    """
    found = survey(run.recipe.region, run.id)
    by_id = {one.id: one for one in found}
    left = [
        one
        for one in found
        if not is_accepted(one, by_id) and judge(one, by_id).ownership is not Ownership.COPIED
    ]
    if run.recipe.scheduler_role:
        left += schedules.list_schedules(run.recipe.region, run.id)
    return left


def describe_resource(resource: Resource) -> str:
    """Return one line about a resource."""
    state = f" ({resource.state})" if resource.state else ""
    return f"{resource.kind} {resource.id}{state}"
