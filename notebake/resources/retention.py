"""What may go and what stays, and why: judged by what a look found, nothing is asked here."""

import datetime
from collections.abc import Iterable, Mapping, Set

from notebake.aws import tags
from notebake.aws.model import Resource
from notebake.record import Record
from notebake.resources.kinds import REMOVAL_ORDER, monthly_cost, prove_ownership
from notebake.resources.ownership import Ownership, OwnershipVerdict
from notebake.timestamps import parse_timestamp

WITHIN_LEASE = "still within its lease"


class Assessment(Record):
    """One thing that a look found, and what becomes of it."""

    resource: Resource
    verdict: OwnershipVerdict
    reason_to_stay: str = ""
    """Completes "Stays: …"; "" for what goes."""
    is_kept: bool = False
    """Whether a person has tagged it, or what it belongs to, as to be kept."""
    is_accepted: bool = False
    ends_at: datetime.datetime | None = None
    """When its expiry is; None where none is set, or none counts."""
    usd_per_month: float | None = None

    @property
    def goes(self) -> bool:
        """Whether a sweep may remove it."""
        return not self.reason_to_stay


def assess(
    found: Iterable[Resource],
    *,
    before: datetime.datetime | None,
    known_ids: Set[str] = frozenset(),
    holders: Mapping[str, str] = {},
    foreign: Mapping[str, str] = {},
) -> list[Assessment]:
    """Return what becomes of each, in the order in which things can be removed.

    Args:
        found: All of the runs in question: each is judged with what it belongs to.
        before: Only what expired before this moment goes; None: the expiry does not matter.
        known_ids: What run stores have kept as made.
        holders: Who executes a run at present, by run id.
        foreign: The account of each run that belongs to another one than this, by run id.
    """
    by_id = {one.id: one for one in found}
    findings: dict[str, Assessment] = {}
    for one in sorted(by_id.values(), key=lambda one: (REMOVAL_ORDER.index(one.kind), one.id)):
        owners = [findings.get(owner) for owner in one.owners]
        verdict = prove_ownership(one, by_id, known_ids)
        kept = _is_kept(one, by_id)
        accepted = is_accepted(one, by_id)
        reason = (
            _reason_of_people(one, kept=kept, accepted=accepted)
            or _reason_of_proof(verdict)
            or _reason_of_account(one, foreign)
            or _reason_of_run(one, holders)
            or _reason_of_expiry(one, before)
            or _reason_of_owners(one, owners)
        )
        findings[one.id] = Assessment(
            resource=one,
            verdict=verdict,
            reason_to_stay=reason,
            is_kept=kept,
            is_accepted=accepted,
            ends_at=None if kept or accepted else parse_timestamp(one.expires),
            usd_per_month=monthly_cost(one),
        )
    return list(findings.values())


def is_accepted(one: Resource, found: Mapping[str, Resource]) -> bool:
    """Tell whether it is an image that was accepted, or a snapshot of one."""
    if one.kind not in {"image", "snapshot"}:
        return False
    owners = [found[owner] for owner in one.owners if owner in found]
    return any(tags.ACCEPTED in each.tags for each in (one, *owners))


def _is_kept(one: Resource, found: Mapping[str, Resource]) -> bool:
    owners = [found[owner] for owner in one.owners if owner in found]
    return any(tags.KEEP in each.tags for each in (one, *owners))


def _reason_of_people(one: Resource, *, kept: bool, accepted: bool) -> str:
    if kept and tags.KEEP in one.tags:
        return f"it is tagged {tags.KEEP}"
    if kept:
        return f"it belongs to what is tagged {tags.KEEP}"
    return "accepted, it is what the run was for" if accepted else ""


def _reason_of_proof(verdict: OwnershipVerdict) -> str:
    if verdict.ownership is Ownership.OURS:
        return ""
    return f"{verdict.ownership}: {verdict.reason}"


def _reason_of_account(one: Resource, foreign: Mapping[str, str]) -> str:
    account = foreign.get(one.run_id)
    return f"its run belongs to the account {account}, which is not this one" if account else ""


def _reason_of_run(one: Resource, holders: Mapping[str, str]) -> str:
    holder = holders.get(one.run_id)
    return f"the run is being executed by {holder}" if holder else ""


def _reason_of_owners(one: Resource, owners: list[Assessment | None]) -> str:
    # A schedule outlives the machine that it was to end; nothing else lists one that is gone.
    if None in owners and one.kind != "schedule":
        return "in use by a machine that is not of its run"
    return "in use by what stays" if any(one and not one.goes for one in owners) else ""


def _reason_of_expiry(one: Resource, before: datetime.datetime | None) -> str:
    if before is None:
        return ""
    ends_at = parse_timestamp(one.expires)
    if ends_at is None:
        return "no end is set"
    return WITHIN_LEASE if ends_at > before else ""
