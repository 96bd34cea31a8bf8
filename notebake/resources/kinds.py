"""How each kind of resource is proven to be ours, and what it costs."""

from collections.abc import Callable, Mapping, Set
from typing import NamedTuple

from notebake.aws import tags
from notebake.aws.model import Resource
from notebake.costs import monthly
from notebake.resources import ownership
from notebake.resources.ownership import Found, OwnershipVerdict, Prove


class ResourceKind(NamedTuple):
    """What there is to know of a kind beside how AWS lists and removes it (aws/removal.py)."""

    prove: Callable[[Resource, Found, Prove], OwnershipVerdict]
    monthly_cost: Callable[[Resource], float | None]
    """USD in a month of 730 hours; None where no price is known."""


RESOURCE_KINDS: Mapping[str, ResourceKind] = {
    "instance": ResourceKind(ownership.prove_instance, monthly.cost_of_instance),
    "volume": ResourceKind(ownership.prove_attached, monthly.cost_of_volume),
    # A machine's price has its interface in it.
    "network interface": ResourceKind(ownership.prove_attached, monthly.costs_nothing),
    # What an image costs are its snapshots.
    "image": ResourceKind(ownership.prove_image, monthly.costs_nothing),
    "snapshot": ResourceKind(ownership.prove_snapshot, monthly.cost_of_snapshot),
    "security group": ResourceKind(ownership.prove_group, monthly.costs_nothing),
    "key pair": ResourceKind(ownership.prove_key_pair, monthly.costs_nothing),
    # A schedule costs a dollar for a million calls of its target.
    "schedule": ResourceKind(ownership.prove_schedule, monthly.costs_nothing),
    # A parameter is of the Standard tier.
    "parameter": ResourceKind(ownership.prove_parameter, monthly.costs_nothing),
}
"""In the order in which things can be removed: nothing goes before what stands on it."""
REMOVAL_ORDER = tuple(RESOURCE_KINDS)


def prove_ownership(
    one: Resource, found: Found, known_ids: Set[str] = frozenset()
) -> OwnershipVerdict:
    """Return whose a resource is; `known_ids` are those that a run store has kept as made."""
    if one.id in known_ids:
        lost = "" if tags.RUN in one.tags else f", though it has lost its tag {tags.RUN}"
        return ownership.ours(f"a run store has kept its id{lost}")
    return RESOURCE_KINDS[one.kind].prove(
        one, found, lambda other: prove_ownership(other, found, known_ids)
    )


def monthly_cost(one: Resource) -> float | None:
    """Return what a resource costs in a month of 730 hours if nobody removes it."""
    return RESOURCE_KINDS[one.kind].monthly_cost(one)
