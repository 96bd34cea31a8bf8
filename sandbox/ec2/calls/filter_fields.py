"""The fields that the filters of the Describe calls compare."""

from sandbox.ec2.calls.filters import Fields
from sandbox.ec2.images.view import source_region
from sandbox.ec2.instances.view import view_groups
from sandbox.ec2.model import STATE_CODES, Image, Instance, Snapshot, Volume
from sandbox.ec2.state.region import Region


def instance_fields(region: Region, instance: Instance) -> Fields:
    """Return the fields for the filters of DescribeInstances."""
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
        "instance.group-name": [group["GroupName"] for group in view_groups(region, instance)],
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
    """Return the fields for the filters of DescribeVolumes."""
    attachment = volume.attachment
    return {
        "attachment.delete-on-termination": attachment.delete_on_termination
        if attachment
        else None,
        "attachment.device": attachment.device if attachment else None,
        "attachment.instance-id": attachment.instance_id if attachment else None,
        "attachment.status": attachment.state if attachment else None,
        "availability-zone": volume.zone,
        "encrypted": volume.encrypted,
        "size": volume.size_gib,
        "snapshot-id": volume.snapshot_id,
        "status": volume.state,
        "volume-id": volume.id,
        "volume-type": volume.volume_type,
    }


def snapshot_fields(snapshot: Snapshot) -> Fields:
    """Return the fields for the filters of DescribeSnapshots."""
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


def image_fields(region: Region, image: Image) -> Fields:
    """Return the fields for the filters of DescribeImages."""
    return {
        "architecture": image.architecture,
        "block-device-mapping.snapshot-id": image.snapshot_ids,
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
        "source-image-region": source_region(region, image),
        "source-instance-id": image.source_instance_id,
        "state": image.state,
        "virtualization-type": "hvm",
    }
