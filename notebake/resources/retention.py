"""Which resources may be removed and which stay, and why, by the data of the survey alone."""

import datetime
from collections.abc import Callable, Iterable, Mapping, Set

from notebake.aws import tags
from notebake.aws.model import Resource
from notebake.record import Record
from notebake.resources.kinds import REMOVAL_ORDER, monthly_cost, prove_ownership
from notebake.resources.ownership import Ownership, OwnershipVerdict
from notebake.timestamps import parse_timestamp

WITHIN_LEASE = "still within its lease"


class Assessment(Record):
    """A resource, and whether it may be removed."""

    resource: Resource
    verdict: OwnershipVerdict
    reason_to_stay: str = ""
    """Completes "Stays: …"; "" if it may be removed."""
    ends_at: datetime.datetime | None = None
    """When it expires; None if it never does."""
    usd_per_month: float | None = None

    @property
    def may_go(self) -> bool:
        return not self.reason_to_stay


def assess(
    found: Iterable[Resource],
    *,
    before: datetime.datetime | None,
    known_ids: Set[str] = frozenset(),
    holder_of: Callable[[str], str] = lambda _: "",
    foreign: Mapping[str, str] = {},
) -> list[Assessment]:
    """Return the assessment of each resource, in the order of removal.

    Args:
        found: All resources of the runs, as each is assessed together with its owners.
        before: Only resources that expired before this time may go; None ignores the expiry.
        known_ids: The ids that run stores have recorded.
        holder_of: Returns who executes a run at present, by its id; it is asked only for runs with
            resources that nothing else lets stay.
        foreign: The account of each run that belongs to another account, by run id.
    """
    by_id = {resource.id: resource for resource in found}
    assessed: dict[str, Assessment] = {}
    for resource in sorted(by_id.values(), key=_removal_order):
        owners = [assessed.get(owner) for owner in resource.owners]
        verdict = prove_ownership(resource, by_id, known_ids)
        kept = _has_tag(tags.KEEP, resource, by_id)
        accepted = is_accepted(resource, by_id)
        reason = (
            _reason_of_people(resource, kept=kept, accepted=accepted)
            or _reason_of_proof(verdict)
            or _reason_of_account(resource, foreign)
            or _reason_of_run(resource, holder_of)
            or _reason_of_expiry(resource, before)
            or _reason_of_owners(resource, owners)
        )
        assessed[resource.id] = Assessment(
            resource=resource,
            verdict=verdict,
            reason_to_stay=reason,
            ends_at=None if kept or accepted else parse_timestamp(resource.expires),
            usd_per_month=monthly_cost(resource),
        )
    return list(assessed.values())


def _removal_order(resource: Resource) -> tuple[int, str]:
    return REMOVAL_ORDER.index(resource.kind), resource.id


def is_accepted(resource: Resource, found: Mapping[str, Resource]) -> bool:
    """Return whether it is an accepted image, a verified copy of one, or a snapshot of these."""
    return resource.kind in {"image", "snapshot"} and any(
        _has_tag(tag, resource, found) for tag in (tags.ACCEPTED, tags.COPY_VERIFIED)
    )


def is_copy(resource: Resource) -> bool:
    """Return whether it is a copy of an image, or a snapshot of one: not of the run's own work."""
    return tags.COPY_OF in resource.tags


def _has_tag(tag: str, resource: Resource, found: Mapping[str, Resource]) -> bool:
    owners = [found[owner] for owner in resource.owners if owner in found]
    return any(tag in each.tags for each in (resource, *owners))


def _reason_of_people(resource: Resource, *, kept: bool, accepted: bool) -> str:
    if kept and tags.KEEP in resource.tags:
        return f"it is tagged {tags.KEEP}"
    if kept:
        return f"it belongs to a resource that is tagged {tags.KEEP}"
    if accepted and is_copy(resource):
        return f"a verified copy of {resource.tags[tags.COPY_OF]}, which is accepted"
    return "accepted, it is the result of the run" if accepted else ""


def _reason_of_proof(verdict: OwnershipVerdict) -> str:
    if verdict.ownership is Ownership.OURS:
        return ""
    return f"{verdict.ownership}: {verdict.reason}"


def _reason_of_account(resource: Resource, foreign: Mapping[str, str]) -> str:
    account = foreign.get(resource.run_id)
    return f"its run belongs to the account {account}, which is not this one" if account else ""


def _reason_of_run(resource: Resource, holder_of: Callable[[str], str]) -> str:
    holder = holder_of(resource.run_id)
    return f"the run is being executed by {holder}" if holder else ""


def _reason_of_owners(resource: Resource, owners: list[Assessment | None]) -> str:
    # Only a schedule can have an owner that is gone: it outlives the machine that it ends.
    if None in owners and resource.kind != "schedule":
        return "in use by a machine that is not of its run"
    stays = any(owner and not owner.may_go for owner in owners)
    return "in use by a resource that stays" if stays else ""


def _reason_of_expiry(resource: Resource, before: datetime.datetime | None) -> str:
    if before is None:
        return ""
    ends_at = parse_timestamp(resource.expires)
    if ends_at is None:
        return "no end is set"
    return WITHIN_LEASE if ends_at > before else ""
