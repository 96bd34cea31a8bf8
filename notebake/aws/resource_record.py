"""Converts EC2's descriptions into Resource records."""

import datetime
import re
from typing import Any

from notebake.aws import tags
from notebake.aws.model import Resource

MADE_BY_CREATE_IMAGE = re.compile(r"Created by CreateImage\((i-[0-9a-f]+)\) for ami-[0-9a-f]+")
MADE_BY_COPY_IMAGE = re.compile(r"Copied for DestinationAmi ami-\w+ from SourceAmi (ami-\w+) ")
"""EC2's description of a snapshot that CopyImage has made; no page of its says so."""
COPIED_VOLUME = "vol-ffffffff"
"""EC2's volume id for a snapshot that is a copy (API reference, CopySnapshot)."""


def as_resource(kind: str, found: dict[str, Any], resource_id: str, region: str) -> Resource:
    """Return the Resource for EC2's description, whose field names differ between kinds."""
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
        copied_from=_copied_from(kind, found),
        **_what_costs(kind, found),
    )


def _name(kind: str, found: dict[str, Any]) -> str:
    """Return the name that must be unique in AWS, if the kind has one."""
    field = {"key pair": "KeyName", "security group": "GroupName", "image": "Name"}.get(kind, "")
    return str(found.get(field) or "")


def _made_at(found: dict[str, Any]) -> datetime.datetime | None:
    for field in ("LaunchTime", "CreateTime", "StartTime", "CreationDate"):
        created = found.get(field)
        if isinstance(created, datetime.datetime):
            return created
        if created:
            return datetime.datetime.fromisoformat(str(created))
    return None


def _owners(found: dict[str, Any]) -> tuple[str, ...]:
    attachments = [*found.get("Attachments", []), found.get("Attachment") or {}]
    return tuple(
        attachment["InstanceId"] for attachment in attachments if attachment.get("InstanceId")
    )


def parts_of(kind: str, found: dict[str, Any]) -> tuple[str, ...]:
    """Return an image's snapshots, or the disks and interfaces deleted with an instance."""
    disks = [mapping.get("Ebs", {}) for mapping in found.get("BlockDeviceMappings", [])]
    if kind == "image":
        return tuple(disk["SnapshotId"] for disk in disks if disk.get("SnapshotId"))
    interfaces = [
        (interface, interface.get("Attachment", {}))
        for interface in found.get("NetworkInterfaces", [])
    ]
    return (
        *(disk["VolumeId"] for disk in disks if disk.get("DeleteOnTermination")),
        *(
            interface["NetworkInterfaceId"]
            for interface, attachment in interfaces
            if attachment.get("DeleteOnTermination")
        ),
    )


def _made_of(kind: str, found: dict[str, Any]) -> str:
    if kind == "image":
        return str(found.get("SourceInstanceId") or "")
    if kind != "snapshot" or found.get("VolumeId") == COPIED_VOLUME:
        return ""
    source = MADE_BY_CREATE_IMAGE.match(found.get("Description") or "")
    return source[1] if source else str(found.get("VolumeId") or "")


def _copied_from(kind: str, found: dict[str, Any]) -> str:
    if kind == "image" and not found.get("SourceInstanceId"):
        return str(found.get("SourceImageId") or "")
    if kind != "snapshot" or found.get("VolumeId") != COPIED_VOLUME:
        return ""
    source = MADE_BY_COPY_IMAGE.match(found.get("Description") or "")
    return source[1] if source else ""


def _what_costs(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    if kind == "instance":
        public = bool(found.get("PublicIpAddress"))
        return {"instance_type": found["InstanceType"], "has_public_address": public}
    if kind == "snapshot":
        return {
            "size_gib": found.get("VolumeSize", 0),
            "written_bytes": found.get("FullSnapshotSizeInBytes"),
            "is_archived": found.get("StorageTier") == "archive",
        }
    if kind == "volume":
        return {
            "size_gib": found["Size"],
            "volume_type": found.get("VolumeType", ""),
            "iops": found.get("Iops") or 0,
            "throughput_mib_per_second": found.get("Throughput") or 0,
        }
    return {}
