"""The metadata of an instance: a tree of texts."""

import json
from typing import Any

from sandbox.api.role_credentials import profile_info, role_credentials
from sandbox.ec2.instances.view import view_groups
from sandbox.ec2.model import Instance, InstanceProfile
from sandbox.ec2.state.region import Region

Tree = dict[str, Any]


def metadata_of(region: Region, instance: Instance) -> Tree:
    """Return the tree below /latest: directories are dictionaries, files are texts."""
    tree: Tree = {
        "meta-data": _meta_data(region, instance),
        "dynamic": {"instance-identity": {"document": _document(region, instance)}},
    }
    if instance.user_data:
        tree["user-data"] = instance.user_data
    return tree


def _meta_data(region: Region, instance: Instance) -> Tree:
    tree: Tree = {
        "ami-id": instance.image_id,
        "ami-launch-index": str(instance.launch_index),
        "block-device-mapping": _block_devices(region, instance),
        "hostname": instance.private_name,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": instance.private_name,
        "local-ipv4": instance.private_address,
        "mac": instance.interface.mac_address,
        "network": {
            "interfaces": {"macs": {instance.interface.mac_address: _interface(region, instance)}}
        },
        "placement": {"availability-zone": instance.zone, "region": region.name},
        "reservation-id": instance.reservation_id,
        "security-groups": _group_names(region, instance),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if instance.public_key:
        listing = f"0={instance.key_name}"
        tree["public-keys"] = {"": listing, "0": {"openssh-key": instance.public_key}}
    if instance.public_address:
        tree["public-ipv4"] = instance.public_address
    if instance.profile:
        tree["iam"] = _iam(region, instance, instance.profile)
    if instance.metadata_options["InstanceMetadataTags"] == "enabled":
        tree["tags"] = {"instance": dict(region.tags_of(instance.id))}
    return tree


def _iam(region: Region, instance: Instance, profile: InstanceProfile) -> Tree:
    now = region.core.clock.now()
    tree: Tree = {"info": profile_info(profile.arn, profile.id, now)}
    if profile.role:
        credentials = role_credentials(instance.id, profile.role, now)
        tree["security-credentials"] = {profile.role: credentials}
    return tree


def _interface(region: Region, instance: Instance) -> Tree:
    tree: Tree = {
        "device-number": "0",
        "interface-id": instance.interface.id,
        "local-ipv4s": instance.private_address,
        "mac": instance.interface.mac_address,
        "owner-id": instance.owner_id,
        "security-group-ids": "\n".join(instance.group_ids),
        "security-groups": _group_names(region, instance),
        "subnet-id": instance.subnet_id,
        "subnet-ipv4-cidr-block": region.network.get_subnet(instance.subnet_id).cidr_block,
        "vpc-id": instance.vpc_id,
        "vpc-ipv4-cidr-block": region.network.get_vpc(instance.vpc_id).cidr_block,
    }
    if instance.public_address:
        tree["public-ipv4s"] = instance.public_address
    return tree


def _group_names(region: Region, instance: Instance) -> str:
    return "\n".join(group["GroupName"] for group in view_groups(region, instance))


def _block_devices(region: Region, instance: Instance) -> Tree:
    tree: Tree = {"ami": instance.root_device, "root": instance.root_device}
    volumes = region.volumes_by_device(instance.id)
    others = [device for device, volume in volumes.items() if not volume.is_root]
    for number, device in enumerate(others, start=1):
        tree[f"ebs{number}"] = device.removeprefix("/dev/")
    return tree


def _document(region: Region, instance: Instance) -> str:
    document = {
        "accountId": instance.owner_id,
        "architecture": instance.architecture,
        "availabilityZone": instance.zone,
        "imageId": instance.image_id,
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "pendingTime": f"{instance.launch_time:%Y-%m-%dT%H:%M:%SZ}",
        "privateIp": instance.private_address,
        "region": region.name,
        "version": "2017-09-30",
    }
    return json.dumps(document, indent=2, sort_keys=True)
