"""The parts of a recipe for EC2: base image, network, encryption, disks."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from notebake.recipe.fields import UNQUOTED, Name, OwnPath, SshSource, id_of, matching
from notebake.recipe.part import Contradiction, Part

UBUNTU_2404 = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
KMS_KEY = (
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}"
    r"|alias/[\w/-]+|arn:aws[\w-]*:kms:\S+"
)


class BaseImage(Part):
    """The image that the builder starts from."""

    ssm_parameter: (
        Annotated[str, matching(r"/[\w./-]+", "a parameter's name, with a leading /")] | None
    ) = None
    """SSM parameter that holds the id, resolved first and recorded; by default Ubuntu 24.04's."""
    image_id: Annotated[str, id_of("ami")] | None = None
    """An image by its id, instead of the parameter."""
    user: Annotated[str, matching(r"[a-z_][a-z0-9_-]{0,31}", "a login name such as ubuntu")] = (
        "ubuntu"
    )
    """The login name that the image's cloud-init gives the key to."""

    def contradictions(self) -> Iterator[Contradiction]:
        if self.ssm_parameter and self.image_id:
            yield Contradiction(("image_id",), "give ssm_parameter or image_id, not both")
        if self.user == "root":
            yield Contradiction(("user",), "cloud images bar root's login; name the image's user")

    @property
    def parameter(self) -> str:
        """The SSM parameter to resolve if no image id is given."""
        return self.ssm_parameter or UBUNTU_2404


class Network(Part):
    """Where the machines stand and who may reach them."""

    vpc_id: Annotated[str, id_of("vpc")] | None = None
    """The VPC; without it the account's default VPC."""
    subnet_ids: tuple[Annotated[str, id_of("subnet")], ...] = ()
    """Subnets to try in this order; without them the VPC's default subnets, one per zone."""
    address: Literal["public", "private"] = "public"
    """Which of its addresses the machine is reached at."""
    ssh_from: Annotated[tuple[SshSource, ...], Field(min_length=1)] = ("auto",)
    """IPv4 blocks that may reach port 22; `auto`: the worker's own address; `0.0.0.0/0`: all."""

    def contradictions(self) -> Iterator[Contradiction]:
        yield from repeated("subnet_ids", self.subnet_ids)
        yield from repeated("ssh_from", self.ssh_from)


class EncryptionMode(StrEnum):
    """How the disks are encrypted."""

    NONE = "none"
    DEFAULT = "default"
    KMS = "kms"


class Encryption(Part):
    """How the disks, and so the image, are encrypted."""

    mode: EncryptionMode = EncryptionMode.NONE
    """`none`; `default`: the account's default key, not shareable; `kms`: the key below."""
    kms_key_id: Annotated[str, matching(KMS_KEY, "a KMS key id, alias/… or ARN")] | None = None
    """Key id, alias or ARN, with mode `kms` only."""

    def contradictions(self) -> Iterator[Contradiction]:
        if (self.mode is EncryptionMode.KMS) != (self.kms_key_id is not None):
            text = "kms_key_id goes with mode: kms, and with no other mode"
            yield Contradiction(("kms_key_id",), text, by_absence=True)

    @property
    def uses_default_key(self) -> bool:
        """Whether the key is AWS's own for this account, which no other account can use."""
        key = self.kms_key_id or ""
        return self.mode is EncryptionMode.DEFAULT or key.endswith("alias/aws/ebs")


class FileSystem(StrEnum):
    """The file systems that a disk may get."""

    EXT4 = "ext4"
    XFS = "xfs"


class RootVolume(Part):
    """The root disk."""

    size_gib: Annotated[int, Field(ge=4, le=16384, strict=True), UNQUOTED] = 16
    """Size in GiB; every user of the image pays for it."""
    iops: Annotated[int, Field(ge=3000, le=16000, strict=True), UNQUOTED] = 3000
    """gp3 operations a second."""
    throughput_mib_per_second: Annotated[int, Field(ge=125, le=1000, strict=True), UNQUOTED] = 125
    """gp3 throughput in MiB/s."""

    def contradictions(self) -> Iterator[Contradiction]:
        if self.iops > max(3000, 500 * self.size_gib):
            text = f"gp3 gives at most 500 a second for each GiB; {self.size_gib} GiB are too few"
            yield Contradiction(("iops",), text)
        if 4 * self.throughput_mib_per_second > self.iops:
            text = f"gp3 needs 4 iops for each MiB/s: iops {4 * self.throughput_mib_per_second}"
            yield Contradiction(("throughput_mib_per_second",), text)


class Volume(RootVolume):
    """A data disk on EBS."""

    name: Name
    """Its name in this recipe; becomes the file system's label, cut to what that holds."""
    mount_point: OwnPath
    """Where it is mounted, owned by the login user."""
    size_gib: Annotated[int, Field(ge=1, le=16384, strict=True), UNQUOTED] = 10
    """Size in GiB."""
    file_system: FileSystem = FileSystem.EXT4
    """`ext4` or `xfs`; for an existing disk the one it must have."""
    snapshot_id: Annotated[str, id_of("snap")] | None = None
    """Start from this snapshot; never formatted, its file system grows to `size_gib`."""
    volume_id: Annotated[str, id_of("vol")] | None = None
    """Attach this existing volume; it is never formatted, never deleted, never cleaned, and fixes
    the zone."""
    in_image: Annotated[bool | None, UNQUOTED] = None
    """Whether each machine from the image gets a copy: yes, but not of an existing volume."""

    @property
    def is_in_image(self) -> bool:
        """Whether the image carries a snapshot of this volume."""
        return self.volume_id is None if self.in_image is None else self.in_image

    def contradictions(self) -> Iterator[Contradiction]:
        yield from super().contradictions()
        if self.snapshot_id and self.volume_id:
            yield Contradiction(("volume_id",), "give snapshot_id or volume_id, not both")
        for field in RootVolume.model_fields:
            if self.volume_id and getattr(self, field) != type(self).model_fields[field].default:
                yield Contradiction((field,), "an existing volume keeps its own; leave this out")


class InstanceStore(Part):
    """The temporary disks that come with some instance types."""

    mount_point: OwnPath = "/scratch"
    """Where the first one is mounted; the others at the same path with -2, -3 …"""
    file_system: FileSystem = FileSystem.XFS
    """What they are formatted with at each boot that finds them blank."""


def repeated(field: str, values: tuple[str, ...]) -> Iterator[Contradiction]:
    """Yield a contradiction for each repeated value."""
    for index, value in enumerate(values):
        if value in values[:index]:
            yield Contradiction((field, index), f"{value} is given twice")
