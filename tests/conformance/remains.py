"""What a run of the suite has left in an account: found by its tag and by its ids, and removed."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.conformance.guard import RUN_TAG
from tests.ec2_words import Patience

MOST_VALUES = 100
"""How many ids one filter gets: EC2 takes 200."""


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
        ask = getattr(ec2, f"describe_{self.noun}s")
        found = ask(Filters=[{"Name": name, "Values": values}], **dict(self.whose))
        if self.noun != "instance":
            things = found[f"{self.noun.title().replace('_', '')}s"]
            yield from (one[self.id_name] for one in things)
            return
        for reservation in found["Reservations"]:
            for one in reservation["Instances"]:
                if one["State"]["Name"] != "terminated":
                    yield one[self.id_name]

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
    return "".join(f"-{one.lower()}" if one.isupper() else one for one in name).lstrip("-")


INSTANCE = Kind("i-", "instance", "InstanceId", "terminate_instances")
# In the order in which they can be removed: what stands on others goes first.
KINDS = (
    INSTANCE,
    Kind("ami-", "image", "ImageId", "deregister_image", (("IncludeDisabled", True),)),
    Kind("snap-", "snapshot", "SnapshotId", "delete_snapshot", (("OwnerIds", ["self"]),)),
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
    patience: Patience

    def find(self, kinds: Sequence[Kind] = KINDS) -> list[tuple[Kind, str]]:
        """Return what is there: by the run's tag, and by the ids that the run was told."""
        return [(kind, one) for kind in kinds for one in dict.fromkeys(self.ids_of(kind))]

    def ids_of(self, kind: Kind) -> Iterator[str]:
        yield from kind.list_ids(self.ec2, f"tag:{RUN_TAG}", [self.run])
        noted = [one for one in self.ids if one.startswith(kind.prefix)]
        for start in range(0, len(noted), MOST_VALUES):
            some = noted[start : start + MOST_VALUES]
            yield from kind.list_ids(self.ec2, kind.filter_name, some)

    def remove(self) -> None:
        """Remove what is there, as far as EC2 lets it: only a look tells whether it worked."""
        for _, instance_id in self.find([INSTANCE]):
            with suppress(ClientError):
                end_machine(self.ec2, instance_id)
        with suppress(AssertionError):
            self.patience.wait_until(lambda: not self.find([INSTANCE]))
        for kind in KINDS[1:]:
            for _, resource_id in self.find([kind]):
                with suppress(ClientError):
                    unprotect(self.ec2, kind, resource_id)
                    getattr(self.ec2, kind.remove)(**kind.removal(resource_id))

    def look(self) -> list[str]:
        """Return what does not go away, each with the command that removes it."""
        seen: list[tuple[Kind, str]] = []

        def nothing_is_there() -> bool:
            seen[:] = self.find()
            return not seen

        with suppress(AssertionError):
            self.patience.wait_until(nothing_is_there)
        return [f"{one}: {kind.command(one, self.region)}" for kind, one in seen]


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


def unprotect(ec2: Any, kind: Kind, resource_id: str) -> None:
    """Let an image be deregistered."""
    if kind.noun == "image":
        ec2.disable_image_deregistration_protection(ImageId=resource_id)
