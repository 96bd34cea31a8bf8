"""What a run of the suite has left in an account: found by its tag and by its ids, and removed."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tests.conformance.guard import RUN_TAG
from tests.ec2_actions import WaitSettings

MOST_VALUES = 100
"""How many ids one filter gets: EC2 takes 200."""
PASSING = {"DependencyViolation", "IncorrectState", "InvalidSnapshot.InUse", "VolumeInUse"}
"""Refusals that end when something else is gone, or is no longer on its way."""


@dataclass(frozen=True)
class Kind:
    """One kind of resource, by the names that EC2's calls have for it."""

    prefix: str
    noun: str
    id_name: str
    remove: str
    whose: tuple[tuple[str, Any], ...] = ()

    def list_ids(self, ec2: Any, name: str, values: Sequence[str]) -> Iterator[str]:
        """Give the ids of what is there and fits one filter."""
        ask = getattr(ec2, f"describe_{self.plural}")
        found = ask(Filters=[{"Name": name, "Values": values}], **dict(self.whose))
        if self.noun != "instance":
            things = found[self.plural.title().replace("_", "")]
            yield from (thing[self.id_name] for thing in things)
            return
        for reservation in found["Reservations"]:
            for instance in reservation["Instances"]:
                if instance["State"]["Name"] != "terminated":
                    yield instance[self.id_name]

    @property
    def plural(self) -> str:
        return f"{self.noun}es" if self.noun.endswith("s") else f"{self.noun}s"

    @property
    def filter_name(self) -> str:
        return dashed(self.id_name)

    def removal(self, resource_id: str) -> dict[str, Any]:
        """Return the parameters of the removing call."""
        several = self.noun == "instance"
        return {f"{self.id_name}s": [resource_id]} if several else {self.id_name: resource_id}

    def command(self, resource_id: str, region: str) -> str:
        """Return what a person types to remove it."""
        (option,) = self.removal(resource_id)
        call = self.remove.replace("_", "-")
        return f"aws ec2 {call} --region {region} --{dashed(option)} {resource_id}"


def dashed(name: str) -> str:
    """Return a parameter's name as filters and the AWS command line have it."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip(
        "-"
    )


INSTANCE = Kind("i-", "instance", "InstanceId", "terminate_instances")
# In the order in which they can be removed: what stands on others goes first.
KINDS = (
    INSTANCE,
    Kind("ami-", "image", "ImageId", "deregister_image", (("IncludeDisabled", True),)),
    Kind("snap-", "snapshot", "SnapshotId", "delete_snapshot", (("OwnerIds", ["self"]),)),
    Kind("eipalloc-", "address", "AllocationId", "release_address"),
    Kind("vol-", "volume", "VolumeId", "delete_volume"),
    Kind("sg-", "security_group", "GroupId", "delete_security_group"),
    Kind("key-", "key_pair", "KeyPairId", "delete_key_pair"),
)


@dataclass(frozen=True)
class Remains:
    """Looks for what one run has made, and removes it."""

    ec2: Any
    region: str
    run: str
    ids: Sequence[str]
    wait_settings: WaitSettings
    refused: dict[str, str] = field(default_factory=dict)
    """What EC2 will not let go, and the code with which it says so."""

    def find(self, kinds: Sequence[Kind] = KINDS) -> list[tuple[Kind, str]]:
        """Return what is there: by the run's tag, and by the ids that the run was told."""
        return [
            (kind, resource_id)
            for kind in kinds
            for resource_id in dict.fromkeys(self.ids_of(kind))
        ]

    def ids_of(self, kind: Kind) -> Iterator[str]:
        yield from kind.list_ids(self.ec2, f"tag:{RUN_TAG}", [self.run])
        noted = [resource_id for resource_id in self.ids if resource_id.startswith(kind.prefix)]
        for start in range(0, len(noted), MOST_VALUES):
            some = noted[start : start + MOST_VALUES]
            yield from kind.list_ids(self.ec2, kind.filter_name, some)

    def remove(self) -> None:
        """Remove what is there, as far as EC2 lets it: only a look tells whether it worked."""
        for kinds in (KINDS[:1], KINDS[1:]):
            with suppress(AssertionError):
                self.wait_settings.wait_until(partial(self.is_removed, kinds))

    def is_removed(self, kinds: Sequence[Kind]) -> bool:
        """Ask for the removal of what is there; tell whether only what is refused is left."""
        found = [
            (kind, resource_id)
            for kind, resource_id in self.find(kinds)
            if resource_id not in self.refused
        ]
        for kind, resource_id in found:
            try:
                remove(self.ec2, kind, resource_id)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code not in PASSING and not code.endswith(".NotFound"):
                    self.refused[resource_id] = code
        return not found

    def look(self) -> list[str]:
        """Return what does not go away, each with the command that removes it."""
        seen: list[tuple[Kind, str]] = []

        def nothing_goes_any_more() -> bool:
            seen[:] = self.find()
            return all(resource_id in self.refused for _, resource_id in seen)

        with suppress(AssertionError):
            self.wait_settings.wait_until(nothing_goes_any_more)
        return [self.describe(kind, resource_id) for kind, resource_id in seen]

    def describe(self, kind: Kind, resource_id: str) -> str:
        """Return what is left, why, and what removes it."""
        why = self.refused.get(resource_id, "it does not go away")
        return f"{resource_id} ({why}): {kind.command(resource_id, self.region)}"


def remove(ec2: Any, kind: Kind, resource_id: str) -> None:
    """Ask for the removal of one thing, even if it is protected."""
    if kind is INSTANCE:
        end_machine(ec2, resource_id)
        return
    if kind.noun == "image":
        ec2.disable_image_deregistration_protection(ImageId=resource_id)
    getattr(ec2, kind.remove)(**kind.removal(resource_id))


def end_machine(ec2: Any, instance_id: str) -> None:
    """Begin to terminate a machine, even if it is protected."""
    try:
        ec2.terminate_instances(InstanceIds=[instance_id])
    except ClientError as error:
        if error.response["Error"]["Code"] != "OperationNotPermitted":
            raise
        ec2.modify_instance_attribute(
            InstanceId=instance_id, DisableApiTermination={"Value": False}
        )
        ec2.terminate_instances(InstanceIds=[instance_id])
