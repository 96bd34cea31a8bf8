"""What EC2 describes, as the record of one resource."""

import datetime
import re
from typing import Any

from notebake.aws import tags
from notebake.aws.model import Resource

MADE_BY_CREATE_IMAGE = re.compile(r"Created by CreateImage\((i-[0-9a-f]+)\) for ami-[0-9a-f]+")
COPIED_VOLUME = "vol-ffffffff"
"""What EC2 names as the volume of a snapshot that is a copy (API reference, CopySnapshot)."""


def as_resource(kind: str, found: dict[str, Any], resource_id: str, region: str) -> Resource:
    """Return the record of one resource; EC2 names its tags and its state in several ways."""
    marks = tags.as_dict(found.get("Tags") or found.get("TagSet"))
    state = found.get("State") or found.get("Status") or ""
    return Resource(
        kind=kind,
        id=resource_id,
        name=_name(kind, found) or marks.get("Name", ""),
        state=state["Name"] if isinstance(state, dict) else state,
        run_id=marks.get(tags.RUN, ""),
        expires=marks.get(tags.EXPIRES, ""),
        tags=marks,
        region=region,
        made_at=_made_at(found),
        owners=_owners(found),
        parts=parts_of(kind, found),
        token=found.get("ClientToken") or "" if kind == "instance" else "",
        made_of=_made_of(kind, found),
        **_what_costs(kind, found),
    )


def _name(kind: str, found: dict[str, Any]) -> str:
    """Return the name that AWS keeps unique, where there is one."""
    field = {"key pair": "KeyName", "security group": "GroupName", "image": "Name"}.get(kind, "")
    return str(found.get(field) or "")


def _made_at(found: dict[str, Any]) -> datetime.datetime | None:
    """Return when it was made, as far as EC2 tells."""
    for field in ("LaunchTime", "CreateTime", "StartTime", "CreationDate"):
        told = found.get(field)
        if isinstance(told, datetime.datetime):
            return told
        if told:
            return datetime.datetime.fromisoformat(str(told))
    return None


def _owners(found: dict[str, Any]) -> tuple[str, ...]:
    """Return the machine that a disk or an interface is attached to."""
    attachments = [*found.get("Attachments", []), found.get("Attachment") or {}]
    return tuple(one["InstanceId"] for one in attachments if one.get("InstanceId"))


def parts_of(kind: str, found: dict[str, Any]) -> tuple[str, ...]:
    """Return the snapshots of an image, or the disks and interfaces that end with a machine."""
    disks = [one.get("Ebs", {}) for one in found.get("BlockDeviceMappings", [])]
    if kind == "image":
        return tuple(one["SnapshotId"] for one in disks if one.get("SnapshotId"))
    interfaces = [(one, one.get("Attachment", {})) for one in found.get("NetworkInterfaces", [])]
    return (
        *(one["VolumeId"] for one in disks if one.get("DeleteOnTermination")),
        *(
            one["NetworkInterfaceId"]
            for one, attachment in interfaces
            if attachment.get("DeleteOnTermination")
        ),
    )


def _made_of(kind: str, found: dict[str, Any]) -> str:
    """Return the instance that an image or a snapshot was made of, as EC2 itself says."""
    if kind == "image":
        return str(found.get("SourceInstanceId") or "")
    if kind != "snapshot" or found.get("VolumeId") == COPIED_VOLUME:
        return ""
    said = MADE_BY_CREATE_IMAGE.match(found.get("Description") or "")
    return said[1] if said else ""


def _what_costs(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return what its price depends on."""
    if kind == "instance":
        public = bool(found.get("PublicIpAddress"))
        return {"instance_type": found["InstanceType"], "has_public_address": public}
    if kind == "snapshot":
        return {"size_gib": found.get("VolumeSize", 0)}
    if kind == "volume":
        return {
            "size_gib": found["Size"],
            "volume_type": found.get("VolumeType", ""),
            "iops": found.get("Iops") or 0,
            "throughput_mib_per_second": found.get("Throughput") or 0,
        }
    return {}
