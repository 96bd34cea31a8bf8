"""Which of the things that carry our tags are truly ours. A tag alone proves nothing.

EC2's "launch more like this" copies the tags of an instance, CopyImage and CopySnapshot may: what
only looks like ours is never removed. Nothing is asked here: it is judged by what a look found.
"""

from collections.abc import Callable, Mapping, Set
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


def prove_ownership(
    one: Resource, found: Found, known_ids: Set[str] = frozenset()
) -> OwnershipVerdict:
    """Return whose a resource is; `known_ids` are those that a run store has kept as made."""
    if one.id in known_ids:
        lost = "" if tags.RUN in one.tags else f", though it has lost its tag {tags.RUN}"
        return _ours(f"a run store has kept its id{lost}")
    return JUDGES[one.kind](one, found, known_ids)


def _judge_instance(one: Resource, _found: Found, _known_ids: Set[str]) -> OwnershipVerdict:
    claimed = one.tags.get(tags.TOKEN)
    if not claimed:
        return _not_certain(f"it has no tag {tags.TOKEN}")
    if claimed != one.token:
        return _copied(f"its {tags.TOKEN} is that of another launch")
    return _ours(f"its {tags.TOKEN} is its own")


def _judge_attached(one: Resource, found: Found, known_ids: Set[str]) -> OwnershipVerdict:
    """Judge a volume or an interface by its machine: EC2 tells no other proof."""
    if not one.owners:
        return _not_certain("no machine has it, and EC2 does not tell which launch made it")
    machine = found.get(one.owners[0])
    if machine is None or machine.run_id != one.run_id:
        return _not_certain("it is attached to a machine that is not of its run")
    verdict = prove_ownership(machine, found, known_ids)
    if verdict.ownership is Ownership.COPIED:
        return _copied("it belongs to a machine that is a copy")
    if not verdict.is_ours:
        return _not_certain("it belongs to a machine that is not certain to be ours")
    return _ours("it belongs to a machine that is ours")


def _judge_image(one: Resource, _found: Found, _known_ids: Set[str]) -> OwnershipVerdict:
    claimed = one.tags.get(tags.BUILDER)
    if not claimed:
        return _not_certain(f"it has no tag {tags.BUILDER}")
    if claimed != one.made_of:
        return _copied(f"EC2 made it of another machine than its {tags.BUILDER} says, or of none")
    if one.name != name_of_image(one.run_id):
        return _not_certain("it has not the name that its run gives")
    return _ours("EC2 made it of its run's builder")


def _judge_snapshot(one: Resource, found: Found, known_ids: Set[str]) -> OwnershipVerdict:
    images = [found[owner] for owner in one.owners if owner in found]
    if any(prove_ownership(image, found, known_ids).is_ours for image in images):
        return _ours("it belongs to an image that is ours")
    claimed = one.tags.get(tags.BUILDER)
    if not claimed:
        return _not_certain(f"it has no tag {tags.BUILDER}")
    if claimed != one.made_of:
        return _copied(f"EC2 made it of another machine than its {tags.BUILDER} says, or of none")
    return _ours("EC2 made it of its run's builder")


def _judge_key_pair(one: Resource, _found: Found, _known_ids: Set[str]) -> OwnershipVerdict:
    if one.name != name_of_key_pair(one.run_id, one.tags.get(tags.ROLE, "")):
        return _not_certain("it has not the name that its run gives")
    return _ours("it has the name that only its run gives")


def _judge_group(one: Resource, found: Found, _known_ids: Set[str]) -> OwnershipVerdict:
    if one.name != name_of_group(one.run_id):
        return _not_certain("it has not the name that its run gives")
    others = [other for other in found.values() if (other.kind, other.name) == (one.kind, one.name)]
    if len(others) > 1:
        return _not_certain("another VPC has a group of this name")
    return _ours("it has the name that only its run gives")


def _judge_schedule(one: Resource, _found: Found, _known_ids: Set[str]) -> OwnershipVerdict:
    if [one.name] != [name_of_schedule(one.run_id, owner) for owner in one.owners]:
        return _not_certain("it has not the name that its run gives")
    return _ours("it has the name that only its run gives")


def _judge_parameter(one: Resource, _found: Found, _known_ids: Set[str]) -> OwnershipVerdict:
    if one.tags.get(tags.RUN) != one.run_id:
        return _not_certain("it has not the tag of the run that its name says")
    return _ours("it has the name that only its run gives")


def _ours(reason: str) -> OwnershipVerdict:
    return OwnershipVerdict(ownership=Ownership.OURS, reason=reason)


def _not_certain(reason: str) -> OwnershipVerdict:
    return OwnershipVerdict(ownership=Ownership.NOT_CERTAIN, reason=reason)


def _copied(reason: str) -> OwnershipVerdict:
    return OwnershipVerdict(ownership=Ownership.COPIED, reason=reason)


JUDGES: dict[str, Callable[[Resource, Found, Set[str]], OwnershipVerdict]] = {
    "instance": _judge_instance,
    "volume": _judge_attached,
    "network interface": _judge_attached,
    "image": _judge_image,
    "snapshot": _judge_snapshot,
    "key pair": _judge_key_pair,
    "security group": _judge_group,
    "schedule": _judge_schedule,
    "parameter": _judge_parameter,
}
