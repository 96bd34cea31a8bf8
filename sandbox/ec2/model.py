"""The resources of a region: instances, volumes, snapshots and images, as EC2 sees them.

moto keeps their tags, together with those of networks, groups and key pairs.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.hosts.machines import Rule

Params = Mapping[str, Any]
"""The parameters of a call, as moto has parsed them."""
View = dict[str, Any]
"""What a call shows of a resource, by botocore's field names."""

STATE_CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}

# A terminated instance "remains visible in the console for a short while" (about an hour):
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html
FORGET_AFTER_SECONDS = 3600


def new_id(kind: str) -> str:
    """Return a new id in EC2's form: `i-0a1b...`."""
    return f"{kind}-0{secrets.token_hex(8)}"


@dataclass(frozen=True)
class BlockDevice:
    """An entry in the block device mapping of an image or a launch."""

    device: str
    size_gib: int = 0
    snapshot_id: str | None = None
    volume_type: str = "gp3"
    iops: int | None = None
    throughput: int | None = None
    encrypted: bool = False
    kms_key_id: str | None = None
    has_usable_key: bool = True
    """False if a key was asked for that EBS cannot use: what is made with it fails."""
    delete_on_termination: bool = False
    virtual_name: str | None = None


@dataclass
class Attachment:
    """The attachment of a volume to an instance."""

    instance_id: str
    device: str
    delete_on_termination: bool
    state: str = "attaching"
    attach_time: datetime = field(kw_only=True)


@dataclass
class Volume:
    """An EBS volume. The content of a root volume is the root file system of its host."""

    id: str
    size_gib: int
    zone: str
    volume_type: str
    snapshot_id: str | None = None
    iops: int | None = None
    throughput: int | None = None
    encrypted: bool = False
    kms_key_id: str | None = None
    has_usable_key: bool = True
    is_root: bool = False
    state: str = "creating"
    attachment: Attachment | None = None
    create_time: datetime = field(kw_only=True)


@dataclass
class Snapshot:
    """A copy of a volume. The content of a root volume's snapshot is the layer of its image."""

    id: str
    volume_id: str
    size_gib: int
    owner_id: str
    description: str = ""
    encrypted: bool = False
    kms_key_id: str | None = None
    is_root: bool = False
    state: str = "pending"
    progress: str = "0%"
    user_ids: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    full_bytes: int | None = None
    """All blocks that were written; None while it is not known."""
    since: str | None = None
    """The snapshot whose blocks it does not copy again; None: it copies all."""
    start_time: datetime = field(kw_only=True)


@dataclass
class ElasticAddress:
    """A public address that the account keeps until it releases it."""

    id: str
    public_address: str
    instance_id: str | None = None
    association_id: str | None = None


@dataclass
class Image:
    """An AMI."""

    id: str
    name: str
    owner_id: str
    description: str
    mapping: list[BlockDevice]
    state: str = "pending"
    root_device: str = "/dev/sda1"
    architecture: str = "x86_64"
    boot_mode: str = "uefi-preferred"
    imds_support: str | None = None
    source_instance_id: str | None = None
    source_image_id: str | None = None
    source_image_region: str | None = None
    """Of a copy; None: the image's own region."""
    owner_alias: str | None = None
    failure: str | None = None
    deprecation_time: datetime | None = None
    deregistration_protection: str = "disabled"
    launch_times: list[datetime] = field(default_factory=list)
    launch_permissions: list[dict[str, str]] = field(default_factory=list)
    creation_date: datetime = field(kw_only=True)

    @property
    def is_public(self) -> bool:
        return {"Group": "all"} in self.launch_permissions

    @property
    def snapshot_ids(self) -> list[str]:
        return [entry.snapshot_id for entry in self.mapping if entry.snapshot_id]

    @property
    def root(self) -> BlockDevice:
        return next(entry for entry in self.mapping if entry.device == self.root_device)


@dataclass(frozen=True)
class InstanceProfile:
    """An instance profile of IAM, and the name of its role, if it has one."""

    id: str
    arn: str
    role: str | None


@dataclass
class Instance:
    """An EC2 instance. `interface` is moto's network interface, which holds its groups."""

    id: str
    image_id: str
    instance_type: str
    architecture: str
    zone: str
    subnet_id: str
    vpc_id: str
    key_name: str | None
    public_key: str | None
    client_token: str
    user_data: bytes
    root_device: str
    private_address: str
    has_public_address: bool
    """Whether EC2 gives it a public address whenever it starts."""
    group_ids: list[str]
    shutdown_behavior: str
    metadata_options: dict[str, Any]
    profile: InstanceProfile | None = None
    reservation_id: str = ""
    owner_id: str = ""
    launch_index: int = 0
    given_address: str | None = None
    """The public address that it has until it stops."""
    elastic_address: str | None = None
    """The elastic address that is associated with it, in every state."""
    interface: Any = None
    rules: Sequence[Rule] | None = None
    disable_termination: bool = False
    disable_stop: bool = False
    is_monitored: bool = False
    ebs_optimized: bool = False
    state: str = "pending"
    state_reason: tuple[str, str] | None = None
    transition_reason: str = ""
    busy_imaging: bool = False
    last_console: str = ""
    console_is_cut: bool = False
    """Whether another writer interrupts the host keys in the next console output."""
    end_time: datetime | None = None
    forget_after_seconds: float = FORGET_AFTER_SECONDS
    launch_time: datetime = field(kw_only=True)

    # moto's network interface reads further groups from its instance.
    security_groups: tuple[()] = ()

    @property
    def is_live(self) -> bool:
        return self.state != "terminated"

    @property
    def private_name(self) -> str:
        """EC2's DNS name for the private address; us-east-1 has another domain than the rest.

        https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
        """
        region = self.zone[:-1]
        domain = "ec2" if region == "us-east-1" else f"{region}.compute"
        return f"ip-{self.private_address.replace('.', '-')}.{domain}.internal"

    @property
    def public_address(self) -> str | None:
        return self.elastic_address or self.given_address
