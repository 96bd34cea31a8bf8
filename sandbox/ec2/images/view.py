"""How images are shown: botocore's field names."""

from datetime import datetime, timedelta

from sandbox.ec2.model import BlockDevice, Image, View
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import view_tags

LAUNCH_DELAY = timedelta(days=1)


def view_image(region: Region, image: Image) -> View:
    """Show an image."""
    shown: View = {
        "ImageId": image.id,
        "Name": image.name,
        "Description": image.description,
        "ImageLocation": f"{image.owner_id}/{image.name}",
        "ImageOwnerAlias": image.owner_alias,
        "OwnerId": image.owner_id,
        "State": image.state,
        "Public": image.is_public,
        "CreationDate": iso_time(image.creation_date),
        "Architecture": image.architecture,
        "ImageType": "machine",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "RootDeviceName": image.root_device,
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EnaSupport": True,
        "SriovNetSupport": "simple",
        "BootMode": image.boot_mode,
        "ImdsSupport": image.imds_support,
        "SourceInstanceId": image.source_instance_id,
        "SourceImageId": image.source_image_id,
        "SourceImageRegion": source_region(region, image),
        "BlockDeviceMappings": [_view_block_device(entry) for entry in image.mapping],
        "DeprecationTime": iso_time(image.deprecation_time),
        "DeregistrationProtection": image.deregistration_protection,
        "LastLaunchedTime": iso_time(reported_launch(region, image)),
        "Tags": view_tags(region, image.id) or None,
    }
    if image.failure:
        shown["StateReason"] = {"Code": "Server.InternalError", "Message": image.failure}
    return {name: value for name, value in shown.items() if value is not None}


def iso_time(moment: datetime | None) -> str | None:
    """Write a time as EC2 does in text fields."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z" if moment else None


def reported_launch(region: Region, image: Image) -> datetime | None:
    """Return the time of the last launch that EC2 reports: a day late, and only to the owner.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-last-launched-time.html
    """
    launches = [time for time in image.launch_times if time + LAUNCH_DELAY <= region.now()]
    return max(launches) if launches and image.owner_id == region.account_id else None


def source_region(region: Region, image: Image) -> str | None:
    """Return the region of the image's source image; None if it has none."""
    return (image.source_image_region or region.name) if image.source_image_id else None


def _view_block_device(entry: BlockDevice) -> View:
    if entry.virtual_name:
        return {"DeviceName": entry.device, "VirtualName": entry.virtual_name}
    ebs = {
        "SnapshotId": entry.snapshot_id,
        "VolumeSize": entry.size_gib,
        "VolumeType": entry.volume_type,
        "Iops": entry.iops,
        "Throughput": entry.throughput,
        "Encrypted": entry.encrypted,
        "DeleteOnTermination": entry.delete_on_termination,
    }
    return {"DeviceName": entry.device, "Ebs": {k: v for k, v in ebs.items() if v is not None}}
