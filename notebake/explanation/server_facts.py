"""What is known of a notebook server: by its tags in EC2, and by what this computer keeps of it."""

from typing import Any

from notebake import clock
from notebake.aws import server_calls, tags
from notebake.aws.server_schedules import StopSchedule
from notebake.aws.ssh_rules import list_ssh_rules
from notebake.errors import NotebakeError
from notebake.record import Record
from notebake.servers.find import find_server, list_command
from notebake.servers.keys import key_path
from notebake.servers.offer import Offer, price_existing
from notebake.servers.outside_ends import wanted_schedules
from notebake.servers.own_disks import is_kept
from notebake.servers.ports import FIRST_PORT, kept_port
from notebake.servers.server import Server
from notebake.timestamps import utc_from_seconds


class Rule(Record):
    """A block of addresses that may use ssh, and whose it is."""

    cidr: str
    description: str


class Disk(Record):
    """A disk of a server, as EC2 shows it."""

    size_gib: int
    zone: str
    kind: str
    """The type of volume, such as gp3."""
    tags: dict[str, str]

    @property
    def outlives_server(self) -> bool:
        return tags.SERVER_VOLUME in self.tags


class ServerFacts(Record):
    """A server, as AWS shows it now."""

    server: Server
    vpc_id: str
    subnet_id: str
    group_id: str
    rules: tuple[Rule, ...]
    profile: str
    """The name of its instance profile; "" for none."""
    image_name: str
    schedules: tuple[StopSchedule, ...]
    """Those by which its ends stand outside of it from now on."""
    disks: dict[str, Disk]
    """By the ids of the volumes."""
    offer: Offer
    key_path: str
    has_key: bool
    """Whether the key lies on this computer."""
    port: int
    """The port of this computer at which it is opened."""

    @property
    def costs_running(self) -> str:
        """What it costs while it runs, in a sentence."""
        usd = self.offer.usd_per_hour
        if usd is None:
            return f"notebake knows no price of {self.server.instance_type} here."
        return (
            f"Costs ${usd:.3f} an hour while it runs, with its disks and its address."
            f" (Prices of {self.offer.prices_written}.)"
        )

    @property
    def allowed(self) -> str:
        """From where ssh is allowed now, in a sentence."""
        if not self.rules:
            return "At the moment nobody is let in."
        listed = "; ".join(f"{rule.cidr} ({rule.description})" for rule in self.rules)
        return f"At the moment: {listed}."


def find_facts(name: str, owner: str, region: str) -> ServerFacts:
    """Return what is known of the server of this name.

    Raises:
        NoSuchServerError: there is none.
        SeveralServersError: there are several, and none of them is the only one of the owner.
        CloudError: EC2 refused, or gave no answer.
    """
    server = find_server(name, owner, region)
    found = server_calls.describe_machine(server.id, region)
    if found is None:
        raise NotebakeError(f"{server.id}, the server {name}, has just gone.").with_next(
            list_command(server.region)
        )
    groups = list_ssh_rules(list(server.group_ids), region)
    images = server_calls.describe_images(
        region, Filters=[{"Name": "image-id", "Values": [server.image_id]}]
    )
    path = key_path(server)
    described = _describe_disks(server, region)
    outside = (
        wanted_schedules(server, utc_from_seconds(clock.now())) if server.scheduler_role else {}
    )
    profile = str(found.get("IamInstanceProfile", {}).get("Arn", "")).rpartition("/")[2]
    return ServerFacts(
        server=server,
        vpc_id=str(found.get("VpcId", "")),
        subnet_id=str(found.get("SubnetId", "")),
        group_id=groups[0].group_id if groups else "",
        rules=tuple(
            Rule(cidr=rule.cidr, description=rule.description)
            for group in groups
            for rule in group.rules
        ),
        profile=profile,
        image_name=str(images[0].get("Name", "")) if images else "",
        schedules=tuple(outside.values()),
        disks=_as_disks(described),
        # A volume that outlives the server has a price of its own.
        offer=price_existing(server, [each for each in described if not is_kept(each)]),
        key_path=str(path),
        has_key=path.exists(),
        port=kept_port(server) or FIRST_PORT,
    )


def _describe_disks(server: Server, region: str) -> list[dict[str, Any]]:
    ids = list(server.volume_ids.values())
    return server_calls.describe_volumes(ids, region) if ids else []


def _as_disks(described: list[dict[str, Any]]) -> dict[str, Disk]:
    return {
        str(each["VolumeId"]): Disk(
            size_gib=int(each["Size"]),
            zone=str(each["AvailabilityZone"]),
            kind=str(each["VolumeType"]),
            tags=tags.as_dict(each.get("Tags")),
        )
        for each in described
    }
