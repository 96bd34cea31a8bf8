"""A server as its tags and EC2 tell of it: no run store is needed, so any computer will do."""

import datetime
from typing import Any

from pydantic import Field

from notebake.aws import tags
from notebake.aws.instances import GONE
from notebake.aws.state_recorder import time_of_change
from notebake.record import Record
from notebake.timestamps import parse_timestamp

LOGIN_USER = "ubuntu"


class Server(Record):
    """A machine for a person, in any state but terminated."""

    id: str
    name: str
    owner: str
    region: str
    account: str = ""
    """The id of the AWS account; "" where EC2 did not show it."""
    state: str
    instance_type: str
    zone: str
    image_id: str
    client_token: str = ""
    state_reason: str = ""
    public_address: str | None = None
    private_address: str | None = None
    started_at: datetime.datetime
    """When it was last started (EC2's LaunchTime)."""
    made_at: datetime.datetime | None = None
    """When it was first started: since then EC2 shows its root disk as attached."""
    stopped_at: datetime.datetime | None = None
    """When it was last stopped; None if it runs, or has stopped by itself, of which EC2 gives no
    time."""
    group_ids: tuple[str, ...] = ()
    volume_ids: dict[str, str] = Field(default_factory=dict)
    """Device name as requested → volume id."""
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def instance_id(self) -> str:
        return self.id

    @property
    def login(self) -> str:
        return self.tags.get(tags.LOGIN, LOGIN_USER)

    @property
    def host_key(self) -> str:
        """The expected host key, `ssh-ed25519 AAAA…`; "" until its first start is complete."""
        return self.tags.get(tags.HOST_KEY, "")

    @property
    def address(self) -> str:
        """The address at which it is reached now; "" if it has none."""
        return self.public_address or self.private_address or ""

    @property
    def jupyter_port(self) -> int | None:
        """The loopback port of its JupyterLab; None if the image has none of ours."""
        port = self.tags.get(tags.JUPYTER_PORT, "")
        return int(port) if port.isdigit() else None

    @property
    def idle_minutes(self) -> int | None:
        """After how many minutes without use it stops; None: never."""
        minutes = self.tags.get(tags.IDLE, "")
        return int(minutes) if minutes.isdigit() and int(minutes) else None

    @property
    def daily_end(self) -> str:
        """As `19:00 America/Los_Angeles`; "" if there is none."""
        return self.tags.get(tags.DAILY_END, "")

    @property
    def hard_end(self) -> datetime.datetime | None:
        return parse_timestamp(self.tags.get(tags.HARD_END, ""))

    @property
    def hard_end_now(self) -> datetime.datetime | None:
        """Its hard end, unless it was for an earlier start; its machine reads it so, too."""
        return self.hard_end if self.hard_end and self.hard_end > self.started_at else None

    @property
    def keep_until(self) -> datetime.datetime | None:
        return parse_timestamp(self.tags.get(tags.KEEP_UNTIL, ""))

    @property
    def has_elastic_address(self) -> bool:
        return tags.ELASTIC_ADDRESS in self.tags

    @property
    def is_billed_by_hour(self) -> bool:
        return self.state in ("pending", "running", "stopping")

    @property
    def daily_end_set(self) -> datetime.datetime | None:
        """When its daily end was changed; None: it has been so since it was launched."""
        return parse_timestamp(self.tags.get(tags.DAILY_END_SET, ""))

    @property
    def scheduler_role(self) -> str:
        """The role by which its ends stand outside of it, too; "" if they do not."""
        return self.tags.get(tags.SCHEDULER_ROLE, "")

    def with_tags(self, marks: dict[str, str]) -> "Server":
        """Return the server as it is with these tags besides its own."""
        return self.model_copy(update={"tags": self.tags | marks})

    @property
    def is_gone(self) -> bool:
        return self.state in GONE


def as_server(found: dict[str, Any], region: str) -> Server:
    """Return the server for EC2's description of its instance."""
    shown, state = tags.as_dict(found.get("Tags")), found["State"]["Name"]
    mappings = [each for each in found.get("BlockDeviceMappings", []) if "Ebs" in each]
    disks = [each["Ebs"] for each in mappings]
    return Server(
        id=found["InstanceId"],
        name=shown.get(tags.SERVER, ""),
        owner=shown.get(tags.OWNER, ""),
        region=region,
        account=found.get("OwnerId", ""),
        state=state,
        instance_type=found["InstanceType"],
        zone=found["Placement"]["AvailabilityZone"],
        image_id=found["ImageId"],
        client_token=found.get("ClientToken", ""),
        state_reason=found.get("StateReason", {}).get("Message", ""),
        public_address=found.get("PublicIpAddress"),
        private_address=found.get("PrivateIpAddress"),
        started_at=found["LaunchTime"],
        made_at=min([found["LaunchTime"], *(disk["AttachTime"] for disk in disks)]),
        stopped_at=time_of_change(found) if state in ("stopping", "stopped") else None,
        group_ids=tuple(group["GroupId"] for group in found.get("SecurityGroups", [])),
        volume_ids={mapping["DeviceName"]: mapping["Ebs"]["VolumeId"] for mapping in mappings},
        tags=shown,
    )
