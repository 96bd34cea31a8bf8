"""How instances are shown: botocore's field names."""

from collections.abc import Iterable

from sandbox.ec2.model import STATE_CODES, Instance, View, Volume
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import view_tags


def view_reservation(region: Region, reservation_id: str, instances: Iterable[Instance]) -> View:
    """Show the instances of a launch."""
    return {
        "ReservationId": reservation_id,
        "OwnerId": region.account_id,
        "Groups": [],
        "Instances": [view_instance(region, instance) for instance in instances],
    }


def view_instance(region: Region, instance: Instance) -> View:
    """Show an instance, without network and volumes once it is terminated."""
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
        "Monitoring": {"State": _monitoring(instance)},
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
    if instance.profile:
        shown["IamInstanceProfile"] = {"Arn": instance.profile.arn, "Id": instance.profile.id}
    return {**shown, **_view_network(region, instance)} if instance.is_live else shown


def _view_network(region: Region, instance: Instance) -> View:
    public = {"PublicIpAddress": instance.public_address} if instance.public_address else {}
    return {
        **public,
        "PrivateIpAddress": instance.private_address,
        "PrivateDnsName": instance.private_name,
        "SubnetId": instance.subnet_id,
        "VpcId": instance.vpc_id,
        "SourceDestCheck": True,
        "SecurityGroups": view_groups(region, instance),
        "BlockDeviceMappings": [_view_device(volume) for volume in region.volumes_of(instance.id)],
        "NetworkInterfaces": [_view_interface(region, instance)],
    }


def _monitoring(instance: Instance) -> str:
    if not instance.is_monitored:
        return "disabled"
    return "pending" if instance.state == "pending" else "enabled"


def view_groups(region: Region, instance: Instance) -> list[View]:
    """Show the groups of an instance."""
    find_group = region.network.get_security_group_from_id
    groups = [find_group(group_id) for group_id in instance.group_ids]
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
    assert attachment is not None  # noqa: S101  (volumes_of returns attached volumes)
    return {
        "DeviceName": attachment.device,
        "Ebs": {
            "VolumeId": volume.id,
            "Status": attachment.state,
            "AttachTime": attachment.attach_time,
            "DeleteOnTermination": attachment.delete_on_termination,
        },
    }
