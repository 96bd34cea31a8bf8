"""What the filters of the Describe calls look at."""

from sandbox.ec2.calls.filters import Fields
from sandbox.ec2.instances.view import view_groups
from sandbox.ec2.model import STATE_CODES, Image, Instance, Snapshot, Volume
from sandbox.ec2.state.region import Region


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
