"""How volumes and snapshots are shown: botocore's field names."""

from sandbox.ec2.model import Snapshot, View, Volume
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import view_tags


def view_volume(region: Region, volume: Volume) -> View:
    """Show a volume with its attachment."""
    return {
        "VolumeId": volume.id,
        "Size": volume.size_gib,
        "State": volume.state,
        "AvailabilityZone": volume.zone,
        "VolumeType": volume.volume_type,
        "Iops": volume.iops,
        "Throughput": volume.throughput,
        "SnapshotId": volume.snapshot_id or "",
        "Encrypted": volume.encrypted,
        "KmsKeyId": volume.kms_key_id,
        "CreateTime": volume.create_time,
        "MultiAttachEnabled": False,
        "Tags": view_tags(region, volume.id) or None,
        "Attachments": [view_attachment(volume)] if volume.attachment else [],
    }


def view_attachment(volume: Volume) -> View:
    """Show where a volume is attached."""
    attachment = volume.attachment
    assert attachment is not None  # noqa: S101  (the callers check it)
    return {
        "VolumeId": volume.id,
        "InstanceId": attachment.instance_id,
        "Device": attachment.device,
        "State": attachment.state,
        "AttachTime": attachment.attach_time,
        "DeleteOnTermination": attachment.delete_on_termination,
    }


def view_snapshot(region: Region, snapshot: Snapshot) -> View:
    """Show a snapshot."""
    return {
        "SnapshotId": snapshot.id,
        "VolumeId": snapshot.volume_id,
        "VolumeSize": snapshot.size_gib,
        # "The full size of the snapshot, in bytes. This is not the incremental size":
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Snapshot.html
        "FullSnapshotSizeInBytes": snapshot.full_bytes,
        "State": snapshot.state,
        "Progress": _progress(region, snapshot),
        "StartTime": snapshot.start_time,
        "OwnerId": snapshot.owner_id,
        "Description": snapshot.description,
        "Encrypted": snapshot.encrypted,
        "KmsKeyId": snapshot.kms_key_id,
        "StorageTier": "standard",
        "Tags": view_tags(region, snapshot.id) or None,
    }


def _progress(region: Region, snapshot: Snapshot) -> str:
    if snapshot.state != "pending":
        return snapshot.progress
    return f"{region.transitions.percent(snapshot.id, 'snapshot')}%"
