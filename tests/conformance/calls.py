"""What the suite's calls may do: what they make, what it is tagged as, what they only change."""

from collections.abc import Iterator
from typing import Any

READING = ("Describe", "Get", "List", "Head")

TAGGED: dict[str, tuple[str, ...]] = {
    "AllocateAddress": ("elastic-ip",),
    "CreateImage": ("image", "snapshot"),
    "CreateSecurityGroup": ("security-group",),
    "CreateSnapshot": ("snapshot",),
    "CreateVolume": ("volume",),
    "ImportKeyPair": ("key-pair",),
    "RunInstances": ("instance", "volume", "network-interface"),
}
"""Calls that make something, and the kinds of what they make."""

CHANGING = frozenset(
    {
        "AssociateAddress",
        "AttachVolume",
        "AuthorizeSecurityGroupIngress",
        "CreateTags",
        "DeleteKeyPair",
        "DeleteSecurityGroup",
        "DeleteSnapshot",
        "DeleteTags",
        "DeleteVolume",
        "DeregisterImage",
        "DetachVolume",
        "DisableImage",
        "DisableImageDeprecation",
        "DisableImageDeregistrationProtection",
        "DisassociateAddress",
        "EnableImage",
        "EnableImageDeprecation",
        "EnableImageDeregistrationProtection",
        "ModifyImageAttribute",
        "ModifyInstanceAttribute",
        "ModifyInstanceMetadataOptions",
        "ModifySnapshotAttribute",
        "RebootInstances",
        "ReleaseAddress",
        "RevokeSecurityGroupIngress",
        "StartInstances",
        "StopInstances",
        "TerminateInstances",
    }
)
"""Calls that change things: they may name what the suite has made, and nothing else."""

ACCOUNT_WIDE = frozenset(
    {
        "DisableEbsEncryptionByDefault",
        "DisableImageBlockPublicAccess",
        "EnableEbsEncryptionByDefault",
        "EnableImageBlockPublicAccess",
    }
)
"""Calls that change a whole account: for the sandbox only, whose account is the suite's own."""


def ids_made(parsed: dict[str, Any]) -> Iterator[str]:
    """Give the ids of what a creating call has made."""
    yield from (instance["InstanceId"] for instance in parsed.get("Instances", []))
    for field in ("ImageId", "VolumeId", "GroupId", "KeyPairId", "AllocationId"):
        # A snapshot's answer names the volume too, which was there before.
        if field in parsed and "SnapshotId" not in parsed:
            yield parsed[field]
    # A volume's answer names the snapshot that it is made from.
    if "SnapshotId" in parsed:
        yield parsed["SnapshotId"] if "StartTime" in parsed else parsed["VolumeId"]


def texts_in(value: Any) -> Iterator[str]:
    """Give every text in a call's parameters."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for child in value.values():
            yield from texts_in(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from texts_in(child)


def with_tags(
    specifications: list[dict[str, Any]], kinds: tuple[str, ...], tags: list[dict[str, str]]
) -> list[dict[str, Any]]:
    """Return tag specifications with further tags for each of these kinds."""
    tagged = [
        specification
        for specification in specifications
        if specification.get("ResourceType") not in kinds
    ]
    for kind in kinds:
        of_kind = (
            specification
            for specification in specifications
            if specification.get("ResourceType") == kind
        )
        own = [tag for specification in of_kind for tag in specification.get("Tags", [])]
        tagged.append({"ResourceType": kind, "Tags": [*own, *tags]})
    return tagged
