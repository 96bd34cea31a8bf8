"""What AWS has, as frozen records."""

import datetime

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
    """Why it is in this state, in EC2's words."""
    state_reason_code: str = ""
    volume_ids: dict[str, str] = Field(default_factory=dict)
    """Device name as requested → volume id."""
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
    """Something in the account that carries a run's tag or name, as a look finds it."""

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
    """Ids of what it belongs to: a disk's machine, a snapshot's image, who uses a key pair."""
    parts: tuple[str, ...] = ()
    """Ids of an image's snapshots, or of the disks and interfaces that end with a machine."""
    token: str = ""
    """An instance's own ClientToken, which no copy of it shares."""
    made_of: str = ""
    """The instance of which EC2 says that an image or a snapshot was made."""
    instance_type: str = ""
    has_public_address: bool = False
    size_gib: int = 0
    volume_type: str = ""
    iops: int = 0
    throughput_mib_per_second: int = 0
