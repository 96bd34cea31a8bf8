"""Plain frozen records that travel between layers."""

import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from notebake.recipe import Recipe


class Record(BaseModel):
    """A frozen record."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Run(Record):
    """One execution of a recipe: all that a step needs to find, make or undo its part."""

    id: str
    recipe: Recipe
    store: str
    """Where the run store lies: a directory, or s3://bucket/prefix."""


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
    volume_ids: dict[str, str] = {}
    """Device name as requested → volume id."""
    tags: dict[str, str] = {}


class Image(Record):
    """An AMI with the snapshots that belong to it."""

    id: str
    name: str
    state: str
    snapshot_ids: tuple[str, ...] = ()
    source_instance_id: str | None = None
    tags: dict[str, str] = {}


class KeyPair(Record):
    """A key pair: EC2 has the public half, the run store the private one."""

    id: str
    name: str


class SecurityGroup(Record):
    """A security group and who may reach port 22."""

    id: str
    ssh_from: tuple[str, ...] = ()


class Host(Record):
    """A machine as ssh sees it."""

    instance_id: str
    address: str
    user: str
    private_key_path: str
    host_key: str
    """The key it must show, as `ssh-ed25519 AAAA…`: nothing is trusted on first use."""


class Resource(Record):
    """Something in the account that carries a run's tag or name, as a look finds it."""

    kind: str
    id: str
    name: str = ""
    state: str = ""
    run_id: str = ""
    expires: str = ""
    tags: dict[str, str] = {}
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


class Done(Record):
    """What a step on a host gives: that it is done, and what it is known by."""

    digest: str
    detail: str = ""
    """One phrase for people: a commit, a count, an address."""


NotebookKind = Literal[
    "passed",
    "cell_error",
    "missing_module",
    "asks_for_input",
    "dead_kernel",
    "timed_out",
    "missing_kernel",
    "other_language",
    "idle_parameters",
    "papermill_failed",
    "too_little",
    "no_verdict",
]


class NotebookVerdict(Record):
    """What an executed notebook proved."""

    cells: int
    """Code cells that ran."""
    figures: int
    seconds: float
    numbers: tuple[float, ...] = ()
    """Every number that it printed, in order."""
    error: str | None = None
    """None when all that the recipe asks for is there; otherwise what was not, in one line."""
    kind: NotebookKind = "passed"
    """How it ended: each way to fail is mended elsewhere."""
    cell: int | None = None
    """The number of the cell in which it ended, if it was a cell."""
    advice: str = ""
    """What to change, where the error itself tells more than its kind."""


class Machines(Record):
    """The machines that were started from a new image to prove it."""

    instances: tuple[Instance, ...]

    @property
    def detail(self) -> str:
        """Their ids."""
        return ", ".join(one.id for one in self.instances)


class Shown(Record):
    """What one machine from an image showed."""

    instance_id: str
    instance_type: str
    host_key: str
    machine_id: str
    jupyter_version: str
    verdict: NotebookVerdict
    compared: int = 0
    """How many of its numbers were compared with the builder's, and are the same."""
    ways_in: tuple[str, ...] = ()
    """Who lets people in beside the keys that lie on it."""


class Proof(Record):
    """Why an image may be accepted."""

    image_id: str
    sentences: tuple[str, ...]

    @property
    def detail(self) -> str:
        """The last and strongest sentence."""
        return self.sentences[-1]
