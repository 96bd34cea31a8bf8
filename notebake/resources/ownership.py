"""Which of the resources that carry our tags are really ours. A tag alone proves nothing.

EC2's "launch more like this" copies the tags of an instance; CopyImage and CopySnapshot may too. A
resource that only looks like ours is never removed. The proofs use the survey's data, no calls.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from notebake.aws import tags
from notebake.aws.model import Resource
from notebake.aws.names import (
    name_of_copy,
    name_of_group,
    name_of_image,
    name_of_key_pair,
    name_of_schedule,
)
from notebake.record import Record

Found = Mapping[str, Resource]
"""All resources of the survey, by id."""
WRONG_NAME = "it does not have the name that its run gives"
RIGHT_NAME = "it has the name that only its run gives"


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
        """Whether its ownership allows its removal."""
        return self.ownership is Ownership.OURS


Prove = Callable[[Resource], OwnershipVerdict]
"""Proves another resource of the same survey."""


def prove_instance(instance: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a machine by its client token, which no copy of it shares."""
    claimed = instance.tags.get(tags.TOKEN)
    if not claimed:
        return _not_certain(f"it has no tag {tags.TOKEN}")
    if claimed != instance.token:
        return _copied(f"its {tags.TOKEN} is that of another launch")
    return ours(f"its {tags.TOKEN} is its own")


def prove_attached(resource: Resource, found: Found, prove: Prove) -> OwnershipVerdict:
    """Prove a volume or an interface by its machine: EC2 provides no other proof."""
    if not resource.owners:
        return _not_certain("it is not attached, and EC2 does not show which launch created it")
    machine = found.get(resource.owners[0])
    if machine is None or machine.run_id != resource.run_id:
        return _not_certain("it is attached to a machine that is not of its run")
    verdict = prove(machine)
    if verdict.ownership is Ownership.COPIED:
        return _copied("it belongs to a machine that is a copy")
    if not verdict.is_ours:
        return _not_certain("it belongs to a machine that is not certain to be ours")
    return ours("it belongs to a machine that is ours")


def prove_image(image: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove an image by the machine from which EC2 created it, a copy by its source."""
    if tags.COPY_OF in image.tags:
        return _prove_by_source(image)
    verdict = _prove_by_builder(image)
    if verdict.is_ours and image.name != name_of_image(image.run_id):
        return _not_certain(WRONG_NAME)
    return verdict


def prove_snapshot(snapshot: Resource, found: Found, prove: Prove) -> OwnershipVerdict:
    """Prove a snapshot by its image, or by the machine from which EC2 created it."""
    images = [found[owner] for owner in snapshot.owners if owner in found]
    if any(prove(image).is_ours for image in images):
        return ours("it belongs to an image that is ours")
    if tags.VOLUME in snapshot.tags:
        return _prove_by_volume(snapshot)
    return (
        _prove_by_source(snapshot) if tags.COPY_OF in snapshot.tags else _prove_by_builder(snapshot)
    )


def _prove_by_source(resource: Resource) -> OwnershipVerdict:
    """Prove a copy by the image from which EC2 made it: whoever copies the copy has another."""
    source = resource.tags[tags.COPY_OF]
    if resource.copied_from != source:
        return _copied(f"EC2 made it of another image than its {tags.COPY_OF}, or of none")
    if resource.kind == "image" and not resource.name.startswith(
        name_of_copy(resource.run_id, source)
    ):
        return _not_certain(WRONG_NAME)
    return ours(f"EC2 made it of its {tags.COPY_OF}")


def _prove_by_volume(snapshot: Resource) -> OwnershipVerdict:
    """Prove a snapshot that was taken ahead of an image by its volume: a copy has another one."""
    if snapshot.made_of != snapshot.tags[tags.VOLUME]:
        return _copied(f"EC2 made it of another volume than its {tags.VOLUME}, or of none")
    return ours("EC2 made it of a disk of its run's builder")


def _prove_by_builder(resource: Resource) -> OwnershipVerdict:
    claimed = resource.tags.get(tags.BUILDER)
    if not claimed:
        return _not_certain(f"it has no tag {tags.BUILDER}")
    if claimed != resource.made_of:
        return _copied(f"EC2 created it from another machine than its {tags.BUILDER}, or from none")
    return ours("EC2 created it from its run's builder")


def prove_key_pair(key_pair: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a key pair by its name."""
    name = name_of_key_pair(key_pair.run_id, key_pair.tags.get(tags.ROLE, ""))
    return ours(RIGHT_NAME) if key_pair.name == name else _not_certain(WRONG_NAME)


def prove_group(group: Resource, found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a security group by its name, which a group in another VPC may have as well."""
    if group.name != name_of_group(group.run_id):
        return _not_certain(WRONG_NAME)
    same = [each for each in found.values() if (each.kind, each.name) == (group.kind, group.name)]
    if len(same) > 1:
        return _not_certain("another VPC has a group of this name")
    return ours(RIGHT_NAME)


def prove_schedule(schedule: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a schedule by its name, which is derived from the run and the machine."""
    names = [name_of_schedule(schedule.run_id, owner) for owner in schedule.owners]
    return ours(RIGHT_NAME) if [schedule.name] == names else _not_certain(WRONG_NAME)


def prove_parameter(parameter: Resource, _found: Found, _prove: Prove) -> OwnershipVerdict:
    """Prove a parameter by the tag of the run in its name."""
    if parameter.tags.get(tags.RUN) != parameter.run_id:
        return _not_certain("it does not have the tag of the run in its name")
    return ours(RIGHT_NAME)


def ours(reason: str) -> OwnershipVerdict:
    """Return the verdict that a resource is ours."""
    return OwnershipVerdict(ownership=Ownership.OURS, reason=reason)


def _not_certain(reason: str) -> OwnershipVerdict:
    return OwnershipVerdict(ownership=Ownership.NOT_CERTAIN, reason=reason)


def _copied(reason: str) -> OwnershipVerdict:
    return OwnershipVerdict(ownership=Ownership.COPIED, reason=reason)
