"""Volumes that outlive servers: known by the tags of their name and owner, and where they are."""

import datetime
from collections.abc import Iterable
from typing import Any

from notebake.aws import server_volume_calls, tags
from notebake.aws.resource_record import as_resource
from notebake.costs.monthly import cost_of_volume
from notebake.errors import NextCommand, NotebakeError
from notebake.record import Record

ENDED = ("deleting", "deleted", "error")


class KeptVolume(Record):
    """A volume that no termination of a server deletes."""

    id: str
    name: str
    owner: str
    region: str
    zone: str
    size_gib: int
    mount: str
    """Where servers mount it unless another place is named."""
    state: str
    instance_id: str = ""
    """The machine that has it; "" if none has."""
    made_at: datetime.datetime
    usd_per_month: float | None
    """None if the price is not known."""


def as_volume(found: dict[str, Any], region: str) -> KeptVolume:
    """Return the volume for EC2's description."""
    shown = tags.as_dict(found.get("Tags"))
    attachments = found.get("Attachments") or [{}]
    return KeptVolume(
        id=found["VolumeId"],
        name=shown.get(tags.SERVER_VOLUME, ""),
        owner=shown.get(tags.OWNER, ""),
        region=region,
        zone=found["AvailabilityZone"],
        size_gib=int(found["Size"]),
        mount=shown.get(tags.MOUNT, ""),
        state=found["State"],
        instance_id=attachments[0].get("InstanceId", ""),
        made_at=found["CreateTime"],
        usd_per_month=cost_of_volume(as_resource("volume", found, found["VolumeId"], region)),
    )


def list_kept(region: str) -> list[KeptVolume]:
    """Return the volumes of a region that are there."""
    found = [as_volume(each, region) for each in server_volume_calls.list_volumes(region)]
    return [volume for volume in found if volume.state not in ENDED]


def named(volumes: Iterable[KeptVolume], name: str, owner: str) -> KeptVolume | None:
    """Return an owner's volume of this name or id, or None.

    Raises:
        NotebakeError: there are several, as two servers made one in two zones at the same time.
    """
    found = [each for each in volumes if name in (each.name, each.id) and each.owner == owner]
    if len(found) < 2:
        return found[0] if found else None
    ids = ", ".join(f"{volume.id} in {volume.zone}" for volume in found)
    raise NotebakeError(
        f"{owner} has several volumes {name}: {ids}.", "Name one by its id, or remove one."
    ).with_next(removal_of(found[-1], found[-1].id))


def removal_of(volume: KeptVolume, name: str) -> NextCommand:
    """Return the command that deletes a volume, by its name or id, whoever types it and where."""
    words = ("terminate", "--volume", name, "--owner", volume.owner, "--region", volume.region)
    return NextCommand(words, "To remove one")
