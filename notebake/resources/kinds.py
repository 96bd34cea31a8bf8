"""How each kind of resource is proven to be ours, and what it costs in a month."""

from collections.abc import Callable, Mapping, Set
from typing import NamedTuple

from notebake.aws import tags
from notebake.aws.model import Resource
from notebake.costs import monthly
from notebake.resources import ownership
from notebake.resources.ownership import Found, OwnershipVerdict, Prove


class ResourceKind(NamedTuple):
    """What is specific to a kind, besides how AWS lists and removes it (aws/removal.py)."""

    prove: Callable[[Resource, Found, Prove], OwnershipVerdict]
    monthly_cost: Callable[[Resource], float | None]
    """USD in a month of 730 hours; None if the price is unknown."""


RESOURCE_KINDS: Mapping[str, ResourceKind] = {
    "instance": ResourceKind(ownership.prove_instance, monthly.cost_of_instance),
    "volume": ResourceKind(ownership.prove_attached, monthly.cost_of_volume),
    # The price of a machine includes its interface.
    "network interface": ResourceKind(ownership.prove_attached, monthly.costs_nothing),
    # The costs of an image are those of its snapshots.
    "image": ResourceKind(ownership.prove_image, monthly.costs_nothing),
    "snapshot": ResourceKind(ownership.prove_snapshot, monthly.cost_of_snapshot),
    "security group": ResourceKind(ownership.prove_group, monthly.costs_nothing),
    "key pair": ResourceKind(ownership.prove_key_pair, monthly.costs_nothing),
    # Schedules cost one dollar per million invocations.
    "schedule": ResourceKind(ownership.prove_schedule, monthly.costs_nothing),
    # Parameters of the Standard tier are free.
    "parameter": ResourceKind(ownership.prove_parameter, monthly.costs_nothing),
}
"""In the order of removal: a resource is removed after those that use it."""
REMOVAL_ORDER = tuple(RESOURCE_KINDS)


def prove_ownership(
    resource: Resource, found: Found, known_ids: Set[str] = frozenset()
) -> OwnershipVerdict:
    """Return whether a resource is ours; `known_ids` are those that run stores have recorded."""
    if resource.id in known_ids:
        lost = "" if tags.RUN in resource.tags else f", though it has lost its tag {tags.RUN}"
        return ownership.ours(f"a run store has recorded its id{lost}")
    return RESOURCE_KINDS[resource.kind].prove(
        resource, found, lambda other: prove_ownership(other, found, known_ids)
    )


def monthly_cost(resource: Resource) -> float | None:
    """Return the costs of a resource in a month of 730 hours; None if the price is unknown."""
    return RESOURCE_KINDS[resource.kind].monthly_cost(resource)
