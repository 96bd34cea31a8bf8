"""What a run has in the account, and what it still costs."""

from notebake.aws import inventory, tags
from notebake.records import Resource, Run


def survey(region: str, run_id: str = "") -> list[Resource]:
    """Return everything that carries a run's tag, by looking. Needs nothing but credentials."""
    return inventory.list_resources(region, run_id)


def is_kept(resource: Resource) -> bool:
    """Tell whether it is meant to stay: an accepted image, and its snapshots."""
    return resource.kind in {"image", "snapshot"} and tags.ACCEPTED in resource.tags


def left_over(run: Run) -> list[Resource]:
    """Return what of the run is in the account although it should not outlive it."""
    return [one for one in survey(run.recipe.region, run.id) if not is_kept(one)]


def describe_resource(resource: Resource) -> str:
    """Return one line about a resource."""
    state = f" ({resource.state})" if resource.state else ""
    return f"{resource.kind} {resource.id}{state}"
