"""Which of the things that carry our tags are truly ours. A tag alone proves nothing.

EC2's "launch more like this" copies the tags of an instance, CopyImage and CopySnapshot may: what
only looks like ours is never removed. Nothing is asked here: it is judged by what a look found.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from notebake.aws import tags
from notebake.aws.model import Resource
from notebake.names import name_of_group, name_of_image, name_of_key_pair, name_of_schedule
from notebake.record import Record

Found = Mapping[str, Resource]
"""All that the look found, by id."""


class Ownership(StrEnum):
    """Whether a resource is ours."""

    OURS = "ours"
    NOT_CERTAIN = "not certain to be ours"
    COPIED = "a copy, not ours"


class OwnershipVerdict(Record):
    """Whether a resource is ours, and why; the reason completes "ours: …"."""

    ownership: Ownership
    reason: str

    @property
    def is_ours(self) -> bool:
        """Whether it may be removed, as far as its owner is concerned."""
        return self.ownership is Ownership.OURS


Prove = Callable[[Resource], OwnershipVerdict]
"""Proves another resource of the same survey."""


def prove_instance(one: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a machine by its client token, which no copy of it shares."""
    claimed = one.tags.get(tags.TOKEN)
    if not claimed:
        return _not_certain(f"it has no tag {tags.TOKEN}")
    if claimed != one.token:
        return _copied(f"its {tags.TOKEN} is that of another launch")
    return ours(f"its {tags.TOKEN} is its own")


def prove_attached(one: Resource, found: Found, prove: Prove) -> OwnershipVerdict:
    """Prove a volume or an interface by its machine: EC2 tells no other proof."""
    if not one.owners:
        return _not_certain("no machine has it, and EC2 does not tell which launch made it")
    machine = found.get(one.owners[0])
    if machine is None or machine.run_id != one.run_id:
        return _not_certain("it is attached to a machine that is not of its run")
    verdict = prove(machine)
    if verdict.ownership is Ownership.COPIED:
        return _copied("it belongs to a machine that is a copy")
    if not verdict.is_ours:
        return _not_certain("it belongs to a machine that is not certain to be ours")
    return ours("it belongs to a machine that is ours")


def prove_image(one: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove an image by the machine of which EC2 says that it was made."""
    claimed = one.tags.get(tags.BUILDER)
    if not claimed:
        return _not_certain(f"it has no tag {tags.BUILDER}")
    if claimed != one.made_of:
        return _copied(f"EC2 made it of another machine than its {tags.BUILDER} says, or of none")
    if one.name != name_of_image(one.run_id):
        return _not_certain("it has not the name that its run gives")
    return ours("EC2 made it of its run's builder")


def prove_snapshot(one: Resource, found: Found, prove: Prove) -> OwnershipVerdict:
    """Prove a snapshot by its image, or by the machine of which it was made."""
    images = [found[owner] for owner in one.owners if owner in found]
    if any(prove(image).is_ours for image in images):
        return ours("it belongs to an image that is ours")
    claimed = one.tags.get(tags.BUILDER)
    if not claimed:
        return _not_certain(f"it has no tag {tags.BUILDER}")
    if claimed != one.made_of:
        return _copied(f"EC2 made it of another machine than its {tags.BUILDER} says, or of none")
    return ours("EC2 made it of its run's builder")


def prove_key_pair(one: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a key pair by its name."""
    if one.name != name_of_key_pair(one.run_id, one.tags.get(tags.ROLE, "")):
        return _not_certain("it has not the name that its run gives")
    return ours("it has the name that only its run gives")


def prove_group(one: Resource, found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a security group by its name, which other VPCs may have as well."""
    if one.name != name_of_group(one.run_id):
        return _not_certain("it has not the name that its run gives")
    others = [other for other in found.values() if (other.kind, other.name) == (one.kind, one.name)]
    if len(others) > 1:
        return _not_certain("another VPC has a group of this name")
    return ours("it has the name that only its run gives")


def prove_schedule(one: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a schedule by its name, which follows from the run and the machine."""
    if [one.name] != [name_of_schedule(one.run_id, owner) for owner in one.owners]:
        return _not_certain("it has not the name that its run gives")
    return ours("it has the name that only its run gives")


def prove_parameter(one: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a parameter by the tag of the run that its name says."""
    if one.tags.get(tags.RUN) != one.run_id:
        return _not_certain("it has not the tag of the run that its name says")
    return ours("it has the name that only its run gives")


def ours(reason: str) -> OwnershipVerdict:
    """Return that a resource is ours, and why."""
    return OwnershipVerdict(ownership=Ownership.OURS, reason=reason)


def _not_certain(reason: str) -> OwnershipVerdict:
    return OwnershipVerdict(ownership=Ownership.NOT_CERTAIN, reason=reason)


def _copied(reason: str) -> OwnershipVerdict:
    return OwnershipVerdict(ownership=Ownership.COPIED, reason=reason)
