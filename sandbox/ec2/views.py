"""How the Describe calls show things: botocore's field names, and the fields that filters see."""

from typing import Any

from sandbox.ec2.filters import Fields
from sandbox.ec2.region import Region
from sandbox.ec2.resources import (
    STATE_CODES,
    BlockDevice,
    Image,
    Instance,
    Snapshot,
    Volume,
)

View = dict[str, Any]


def view_reservation(region: Region, reservation_id: str) -> View:
    """Show a launch with all of its instances."""
    members = [one for one in region.instances.values() if one.reservation_id == reservation_id]
    return {
        "ReservationId": reservation_id,
        "OwnerId": region.account_id,
        "Groups": [],
        "Instances": [view_instance(region, one) for one in members],
    }


def view_instance(region: Region, instance: Instance) -> View:
    """Show an instance; EC2 shows a terminated one without network and volumes."""
    shown: View = {
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "State": {"Code": STATE_CODES[instance.state], "Name": instance.state},
        "InstanceType": instance.instance_type,
        "Architecture": instance.architecture,
        "AmiLaunchIndex": instance.launch_index,
        "LaunchTime": instance.launch_time,
        "KeyName": instance.key_name,
        "ClientToken": instance.client_token,
        "Placement": {"AvailabilityZone": instance.zone, "GroupName": "", "Tenancy": "default"},
        "Monitoring": {"State": "disabled"},
        "RootDeviceName": instance.root_device,
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EnaSupport": True,
        "EbsOptimized": instance.ebs_optimized,
        "MetadataOptions": instance.metadata_options,
        "StateTransitionReason": instance.transition_reason,
        "PrivateDnsName": "",
        "PublicDnsName": "",
        "BlockDeviceMappings": [],
        "NetworkInterfaces": [],
        "SecurityGroups": [],
    }
    if instance.state_reason:
        code, message = instance.state_reason
        shown["StateReason"] = {"Code": code, "Message": f"{code}: {message}"}
    if tags := view_tags(region, instance.id):
        shown["Tags"] = tags
    return {**shown, **_view_network(region, instance)} if instance.is_live else shown


def _view_network(region: Region, instance: Instance) -> View:
    public = {"PublicIpAddress": instance.public_address} if instance.public_address else {}
    return {
        **public,
        "PrivateIpAddress": instance.private_address,
        "PrivateDnsName": f"ip-{instance.private_address.replace('.', '-')}.ec2.internal",
        "SubnetId": instance.subnet_id,
        "VpcId": instance.vpc_id,
        "SourceDestCheck": True,
        "SecurityGroups": view_groups(region, instance),
        "BlockDeviceMappings": [_view_device(one) for one in region.volumes_of(instance.id)],
        "NetworkInterfaces": [_view_interface(region, instance)],
    }


def view_groups(region: Region, instance: Instance) -> list[View]:
    """Show the groups of an instance."""
    groups = [region.network.get_security_group_from_id(one) for one in instance.group_ids]
    return [{"GroupId": group.id, "GroupName": group.name} for group in groups if group]


def _view_interface(region: Region, instance: Instance) -> View:
    public = instance.public_address
    shown: View = {
        "NetworkInterfaceId": instance.interface.id,
        "MacAddress": instance.interface.mac_address,
        "OwnerId": region.account_id,
        "PrivateIpAddress": instance.private_address,
        "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": instance.private_address}],
        "Groups": view_groups(region, instance),
        "SourceDestCheck": True,
        "Status": "in-use",
        "SubnetId": instance.subnet_id,
        "VpcId": instance.vpc_id,
        "InterfaceType": "interface",
        "Attachment": {
            "AttachmentId": instance.interface.attachment_id,
            "AttachTime": instance.launch_time,
            "DeleteOnTermination": True,
            "DeviceIndex": 0,
            "Status": "attached",
        },
    }
    if public:
        shown["Association"] = {"PublicIp": public, "IpOwnerId": "amazon", "PublicDnsName": ""}
    return shown


def _view_device(volume: Volume) -> View:
    attachment = volume.attachment
    assert attachment is not None  # noqa: S101  (volumes_of returns attached ones)
    return {
        "DeviceName": attachment.device,
        "Ebs": {
            "VolumeId": volume.id,
            "Status": attachment.state,
            "AttachTime": attachment.attach_time,
            "DeleteOnTermination": attachment.delete_on_termination,
        },
    }


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
    assert attachment is not None  # noqa: S101  (the callers look first)
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
        "State": snapshot.state,
        "Progress": snapshot.progress,
        "StartTime": snapshot.start_time,
        "OwnerId": snapshot.owner_id,
        "Description": snapshot.description,
        "Encrypted": snapshot.encrypted,
        "KmsKeyId": snapshot.kms_key_id,
        "StorageTier": "standard",
        "Tags": view_tags(region, snapshot.id) or None,
    }


def view_image(region: Region, image: Image) -> View:
    """Show an image; its tags only to its owner."""
    shown: View = {
        "ImageId": image.id,
        "Name": image.name,
        "Description": image.description,
        "ImageLocation": f"{image.owner_id}/{image.name}",
        "ImageOwnerAlias": image.owner_alias,
        "OwnerId": image.owner_id,
        "State": image.state,
        "Public": image.is_public,
        "CreationDate": f"{image.creation_date:%Y-%m-%dT%H:%M:%S}.000Z",
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
        "SourceImageRegion": region.name if image.source_image_id else None,
        "BlockDeviceMappings": [view_block_device(line) for line in image.mapping],
        "Tags": view_tags(region, image.id) or None,
    }
    if image.failure:
        shown["StateReason"] = {"Code": "Server.InternalError", "Message": image.failure}
    return {name: value for name, value in shown.items() if value is not None}


def view_block_device(line: BlockDevice) -> View:
    """Show one line of an image's mapping."""
    if line.virtual_name:
        return {"DeviceName": line.device, "VirtualName": line.virtual_name}
    ebs = {
        "SnapshotId": line.snapshot_id,
        "VolumeSize": line.size_gib,
        "VolumeType": line.volume_type,
        "Iops": line.iops,
        "Throughput": line.throughput,
        "Encrypted": line.encrypted,
        "DeleteOnTermination": line.delete_on_termination,
    }
    return {"DeviceName": line.device, "Ebs": {k: v for k, v in ebs.items() if v is not None}}


def view_tags(region: Region, resource_id: str) -> list[View]:
    """Show the tags of anything."""
    return [{"Key": key, "Value": value} for key, value in region.tags_of(resource_id).items()]


def instance_fields(region: Region, instance: Instance) -> Fields:
    """Return what DescribeInstances' filters look at."""
    volumes = region.volumes_of(instance.id)
    return {
        "architecture": instance.architecture,
        "availability-zone": instance.zone,
        "block-device-mapping.volume-id": [volume.id for volume in volumes],
        "client-token": instance.client_token,
        "image-id": instance.image_id,
        "instance-id": instance.id,
        "instance-state-code": STATE_CODES[instance.state],
        "instance-state-name": instance.state,
        "instance-type": instance.instance_type,
        "instance.group-id": instance.group_ids,
        "instance.group-name": [one["GroupName"] for one in view_groups(region, instance)],
        "ip-address": instance.public_address,
        "key-name": instance.key_name,
        "owner-id": instance.owner_id,
        "private-ip-address": instance.private_address,
        "reservation-id": instance.reservation_id,
        "root-device-name": instance.root_device,
        "subnet-id": instance.subnet_id,
        "vpc-id": instance.vpc_id,
    }


def volume_fields(volume: Volume) -> Fields:
    """Return what DescribeVolumes' filters look at."""
    at = volume.attachment
    return {
        "attachment.delete-on-termination": at.delete_on_termination if at else None,
        "attachment.device": at.device if at else None,
        "attachment.instance-id": at.instance_id if at else None,
        "attachment.status": at.state if at else None,
        "availability-zone": volume.zone,
        "encrypted": volume.encrypted,
        "size": volume.size_gib,
        "snapshot-id": volume.snapshot_id,
        "status": volume.state,
        "volume-id": volume.id,
        "volume-type": volume.volume_type,
    }


def snapshot_fields(snapshot: Snapshot) -> Fields:
    """Return what DescribeSnapshots' filters look at."""
    return {
        "description": snapshot.description,
        "encrypted": snapshot.encrypted,
        "owner-id": snapshot.owner_id,
        "progress": snapshot.progress,
        "snapshot-id": snapshot.id,
        "status": snapshot.state,
        "volume-id": snapshot.volume_id,
        "volume-size": snapshot.size_gib,
    }


def image_fields(image: Image) -> Fields:
    """Return what DescribeImages' filters look at."""
    return {
        "architecture": image.architecture,
        "block-device-mapping.snapshot-id": [
            line.snapshot_id for line in image.mapping if line.snapshot_id
        ],
        "description": image.description,
        "image-id": image.id,
        "image-type": "machine",
        "is-public": image.is_public,
        "name": image.name,
        "owner-alias": image.owner_alias,
        "owner-id": image.owner_id,
        "root-device-name": image.root_device,
        "root-device-type": "ebs",
        "source-image-id": image.source_image_id,
        "source-instance-id": image.source_instance_id,
        "state": image.state,
        "virtualization-type": "hvm",
    }
