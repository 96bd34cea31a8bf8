"""Resources of AWS as frozen records."""

import datetime
from collections.abc import Mapping
from typing import Protocol

from pydantic import Field

from notebake.record import Record


class Account(Record):
    """An AWS account, and the partition that it lies in: `aws`, `aws-cn` or `aws-us-gov`."""

    id: str
    partition: str

    def __str__(self) -> str:
        return self.id if self.partition == "aws" else f"{self.id} ({self.partition})"


class Instance(Record):
    """A machine as EC2 sees it."""

    id: str
    state: str
    instance_type: str
    zone: str
    image_id: str
    public_address: str | None = None
    private_address: str | None = None
    client_token: str = ""
    state_reason: str = ""
    """EC2's reason for this state."""
    state_reason_code: str = ""
    volume_ids: dict[str, str] = Field(default_factory=dict)
    """Device name as requested → volume id."""
    kept_volume_ids: tuple[str, ...] = ()
    """Those of these volumes that outlive the machine."""
    tags: dict[str, str] = Field(default_factory=dict)


class Image(Record):
    """An AMI with the snapshots that belong to it."""

    id: str
    name: str
    state: str
    snapshot_ids: tuple[str, ...] = ()
    source_instance_id: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class KeyPair(Record):
    """A key pair: EC2 has the public half, the run store the private one."""

    id: str
    name: str


class SecurityGroup(Record):
    """A security group and who may reach port 22."""

    id: str
    ssh_from: tuple[str, ...] = ()


class Resource(Record):
    """A resource in the account with a run's tag or name."""

    kind: str
    id: str
    name: str = ""
    state: str = ""
    run_id: str = ""
    expires: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    region: str = ""
    made_at: datetime.datetime | None = None
    owners: tuple[str, ...] = ()
    """Ids of a disk's instance, a snapshot's image, or the users of a key pair or group."""
    parts: tuple[str, ...] = ()
    """Ids of an image's snapshots, or of the disks and interfaces deleted with an instance."""
    token: str = ""
    """An instance's ClientToken, which no copy of the instance shares."""
    made_of: str = ""
    """The source instance of an image or of its snapshot, the volume of another snapshot, by EC2's
    own record."""
    copied_from: str = ""
    """The source image of a copy or of its snapshot, likewise."""
    instance_type: str = ""
    has_public_address: bool = False
    size_gib: int = 0
    written_bytes: int | None = None
    """All blocks of a snapshot that were ever written; None if EC2 does not tell."""
    is_archived: bool = False
    """Whether a snapshot lies in the archive tier, which has another price."""
    volume_type: str = ""
    iops: int = 0
    throughput_mib_per_second: int = 0


class Stack(Protocol):
    """An owner of resources in an account, such as a run: its id is their tag.

    `store` is the location of its run store; `lease_hours` is how long temporary resources stay
    without renewal.
    """

    @property
    def id(self) -> str: ...
    @property
    def recipe_name(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def store(self) -> str: ...
    @property
    def user_tags(self) -> Mapping[str, str]: ...
    @property
    def lease_hours(self) -> float: ...
    @property
    def scheduler_role(self) -> str | None: ...
