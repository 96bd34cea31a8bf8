"""The recipe: what is wanted, as one frozen record read from one YAML file.

Every field has its unit in its name and its default here; what contradicts is refused at once.
"""

import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)


def stays_inside(path: str) -> str:
    """Return a relative path that cannot leave its directory; ValueError otherwise."""
    if path.startswith("/") or ".." in PurePosixPath(path).parts or "\n" in path:
        raise ValueError("a path inside the repository, without a leading / and without ..")
    return path


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/+-]*$")]
RelativePath = Annotated[str, AfterValidator(stays_inside)]
AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][^\s;&|$`\\\"']*$")]
UBUNTU_2404 = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"


class Part(BaseModel):
    """A frozen part of a recipe in which an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class BaseImage(Part):
    """The image that the builder starts from."""

    ssm_parameter: str | None = None
    """Public SSM parameter that holds the id; resolved first and recorded."""
    image_id: Annotated[str, StringConstraints(pattern=r"^ami-[0-9a-f]{8,17}$")] | None = None
    """An image by its id, instead of the parameter."""
    user: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = "ubuntu"
    """The login name that the image's cloud-init gives the key to."""

    @model_validator(mode="after")
    def check_one_source(self) -> Self:
        """Exactly one of the two may say which image it is."""
        if self.ssm_parameter and self.image_id:
            raise ValueError("give ssm_parameter or image_id, not both")
        return self

    @property
    def parameter(self) -> str:
        """The SSM parameter to resolve where no image id is given."""
        return self.ssm_parameter or UBUNTU_2404


class Network(Part):
    """Where the machines stand and who may reach them."""

    vpc_id: Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]+$")] | None = None
    """The VPC; without it the account's default VPC."""
    subnet_ids: tuple[Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]+$")], ...] = ()
    """Subnets to try in this order; without them the VPC's default subnets, one per zone."""
    address: Literal["public", "private"] = "public"
    """Which of its addresses the machine is reached at."""
    ssh_from: tuple[str, ...] = ("auto",)
    """CIDR blocks that may reach port 22; `auto` is the address of the worker that runs this."""


class EncryptionMode(StrEnum):
    """How the disks are encrypted."""

    NONE = "none"
    DEFAULT = "default"
    KMS = "kms"


class Encryption(Part):
    """How the disks, and so the image, are encrypted."""

    mode: EncryptionMode = EncryptionMode.NONE
    """`none`; `default`: the account's default key, not shareable; `kms`: the key below."""
    kms_key_id: str | None = None
    """Key id, alias or ARN, with mode `kms` only."""

    @model_validator(mode="after")
    def check_key(self) -> Self:
        """A key goes with mode kms, and only with it."""
        if (self.mode is EncryptionMode.KMS) != (self.kms_key_id is not None):
            raise ValueError("kms_key_id goes with mode: kms, and with no other mode")
        return self


class FileSystem(StrEnum):
    """The file systems that a disk may get."""

    EXT4 = "ext4"
    XFS = "xfs"


class RootVolume(Part):
    """The root disk."""

    size_gib: Annotated[int, Field(ge=4, le=16384)] = 16
    """Size in GiB; every user of the image pays for it."""
    iops: Annotated[int, Field(ge=3000, le=16000)] = 3000
    """gp3 operations a second."""
    throughput_mib_per_second: Annotated[int, Field(ge=125, le=1000)] = 125
    """gp3 throughput in MiB/s."""


class Volume(RootVolume):
    """A data disk on EBS."""

    name: Name
    """Its name in this recipe; becomes the file system's label."""
    mount_point: AbsolutePath
    """Where it is mounted, owned by the login user."""
    size_gib: Annotated[int, Field(ge=1, le=16384)] = 10
    """Size in GiB."""
    file_system: FileSystem = FileSystem.EXT4
    """`ext4` or `xfs`; for an existing disk the one it must have."""
    snapshot_id: Annotated[str, StringConstraints(pattern=r"^snap-[0-9a-f]{8,17}$")] | None = None
    """Start from this snapshot instead of a blank disk; it is never formatted."""
    volume_id: Annotated[str, StringConstraints(pattern=r"^vol-[0-9a-f]{8,17}$")] | None = None
    """Attach this existing volume; it is never formatted, never deleted, and fixes the zone."""
    in_image: bool | None = None
    """Whether each machine from the image gets a copy: yes, but not of an existing volume."""

    @property
    def is_in_image(self) -> bool:
        """Whether the image carries a snapshot of this volume."""
        return self.volume_id is None if self.in_image is None else self.in_image

    @model_validator(mode="after")
    def check_one_origin(self) -> Self:
        """A volume is new, from a snapshot, or an existing one."""
        if self.snapshot_id and self.volume_id:
            raise ValueError("give snapshot_id or volume_id, not both")
        return self


class InstanceStore(Part):
    """The temporary disks that come with some instance types."""

    mount_point: AbsolutePath = "/scratch"
    """Where the first one is mounted; the others at the same path with -2, -3 …"""
    file_system: FileSystem = FileSystem.XFS
    """What they are formatted with at each boot that finds them blank."""


class Software(Part):
    """What is installed beside JupyterLab, ipykernel and papermill."""

    apt: tuple[Package, ...] = ()
    """Packages of the distribution."""
    manager: Literal["pip", "conda"] = "pip"
    """Who makes the Python environment: uv from PyPI, or Miniforge from conda-forge."""
    python: Annotated[str, StringConstraints(pattern=r"^3\.\d{1,2}$")] | None = None
    """Python version for conda; pip takes the distribution's."""
    packages: tuple[Package, ...] = ()
    """Packages from the manager's index."""
    pip: tuple[Package, ...] = ()
    """With conda: packages from PyPI for what conda-forge does not have."""
    requirements_file: str | None = None
    """A requirements.txt or environment.yml beside the recipe, added to the packages."""
    timeout_seconds: Annotated[int, Field(ge=60, le=86400)] = 3600
    """How long the installation may take."""

    @model_validator(mode="after")
    def check_manager(self) -> Self:
        """What is conda's alone is refused with pip."""
        if self.manager == "pip" and self.pip:
            raise ValueError("with manager: pip, name the packages under packages")
        if self.manager == "pip" and self.python:
            raise ValueError("with manager: pip, the base image decides the Python version")
        return self


class Dataset(Part):
    """A file or folder that is copied on to the machine."""

    name: Name
    """Its name in the log."""
    source: Annotated[str, StringConstraints(pattern=r"^(https?|s3|sftp)://\S+$")]
    """Where it comes from: https://…, s3://bucket/key or sftp://user@host/path (a folder too)."""
    path: AbsolutePath
    """Where it goes."""
    sha256: Sha256 | None = None
    """Checksum of a single file; required for http:// sources."""

    @model_validator(mode="after")
    def check_checksum(self) -> Self:
        """Plain http proves nothing about what arrives."""
        if self.source.startswith("http://") and not self.sha256:
            raise ValueError("a source without TLS needs a sha256")
        return self


class Repository(Part):
    """The git repository whose notebooks the image is for."""

    url: Annotated[str, StringConstraints(pattern=r"^(https|git|ssh|http)://[^\s@]+$")]
    """Where to clone from; credentials in it are refused."""
    ref: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] = "HEAD"
    """Branch, tag or full commit id."""
    path: AbsolutePath | None = None
    """Where it goes; by default the login user's home and the repository's name."""


class Notebook(Part):
    """The notebook that proves the machine, and what counts as proof."""

    path: RelativePath | None = None
    """Path in the repository; without it notebake's own smoke notebook runs."""
    working_directory: RelativePath | None = None
    """Directory in the repository to run in; by default the notebook's own."""
    parameters: dict[str, str | int | float | bool] = {}
    """papermill parameters."""
    kernel: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$")] = "python3"
    """Kernel of the image to run it with, whatever the notebook names."""
    timeout_seconds: Annotated[int, Field(ge=10, le=86400)] = 600
    """Time limit for the whole notebook."""
    minimum_cells: Annotated[int, Field(ge=1)] = 3
    """So many code cells must have run."""
    minimum_figures: Annotated[int, Field(ge=0)] = 1
    """So many figures must have been drawn."""
    verdict: str | None = None
    """A text that the notebook's output must contain."""
    compare: Literal["numbers", "nothing"] = "numbers"
    """Whether machines from the image must print the same numbers as the builder did."""


class Acceptance(Part):
    """How the image is proven."""

    instance_types: tuple[str, ...] = ()
    """Types to boot from the image, in order of preference; by default the builder's."""


class Recipe(Part):
    """What is wanted: one image, and how it is made and proven."""

    name: Name
    """Name of the recipe; part of the image's name."""
    description: Annotated[str, StringConstraints(max_length=200)] = ""
    """One line for the image's description."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = "us-west-2"
    """AWS region."""
    base_image: BaseImage = BaseImage()
    """The image to start from; Ubuntu 24.04 by default."""
    instance_types: tuple[str, ...] = ("m6i.large",)
    """Types for the builder, in order of preference."""
    network: Network = Network()
    """Where the machines stand and who may reach them."""
    encryption: Encryption = Encryption()
    """How the disks are encrypted."""
    share_with: tuple[AccountId, ...] = ()
    """Accounts that may launch the accepted image."""
    root_volume: RootVolume = RootVolume()
    """The root disk."""
    volumes: Annotated[tuple[Volume, ...], Field(max_length=15)] = ()
    """Data disks on EBS."""
    instance_store: InstanceStore | None = None
    """Use the temporary disks of the instance type, if it has any."""
    software: Software = Software()
    """What is installed."""
    datasets: tuple[Dataset, ...] = ()
    """What is copied on to the machine."""
    repository: Repository | None = None
    """The git repository that is cloned."""
    notebook: Notebook = Notebook()
    """The notebook that proves the machine."""
    jupyter_port: Annotated[int, Field(ge=1024, le=65535)] = 8887
    """Port of JupyterLab on the machine's loopback address."""
    tags: dict[str, str] = {}
    """Tags for everything that is made, such as Name, Project, Date, Owner."""
    lease_hours: Annotated[float, Field(ge=0.25, le=72)] = 6
    """Temporary things end by themselves so many hours after the run last renewed them."""
    on_failure: Literal["keep", "tear_down"] = "keep"
    """After a failure keep the machine for a look, within its lease, or remove all."""
    acceptance: Acceptance = Acceptance()
    """How the image is proven."""

    @model_validator(mode="after")
    def check_contradictions(self) -> Self:
        """Refuse what cannot be true together, before anything is made."""
        if self.share_with and self.encryption.mode is EncryptionMode.DEFAULT:
            raise ValueError(
                "an image encrypted with the default key cannot be shared:"
                " use encryption mode none or kms, or empty share_with"
            )
        if self.notebook.path and not self.repository:
            raise ValueError("notebook.path needs a repository to find it in")
        mount_points = [PurePosixPath(volume.mount_point) for volume in self.volumes]
        if self.instance_store:
            mount_points.append(PurePosixPath(self.instance_store.mount_point))
        if len(set(mount_points)) < len(mount_points):
            raise ValueError("two disks have the same mount_point")
        if len({volume.name for volume in self.volumes}) < len(self.volumes):
            raise ValueError("two volumes have the same name")
        return self

    @property
    def repository_path(self) -> str | None:
        """Where the clone lies on the host; None without a repository."""
        if self.repository is None:
            return None
        stem = self.repository.url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
        return self.repository.path or f"/home/{self.base_image.user}/{stem}"


def expiry(recipe: Recipe, now: datetime.datetime) -> datetime.datetime:
    """Return when a temporary thing of this recipe ends if nobody renews it."""
    return now + datetime.timedelta(hours=recipe.lease_hours)
