"""Where the AWS console has what a call does: the ways through its menus.

They were written down without a console at hand, and compared with none; AWS changes them without
notice. The user guide of EC2 has today's: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/
"""

from collections.abc import Callable, Mapping
from typing import Any

INSTANCE = "EC2 > Instances > {InstanceIds} > Instance state"
KEY_PAIRS = "EC2 > Network & Security > Key Pairs"
GROUPS = "EC2 > Network & Security > Security Groups"
PLACES = {
    "ImportKeyPair": f"{KEY_PAIRS} > Actions > Import key pair",
    "DeleteKeyPair": f"{KEY_PAIRS} > {{KeyPairId}} > Actions > Delete",
    "CreateSecurityGroup": f"{GROUPS} > Create security group",
    "AuthorizeSecurityGroupIngress": f"{GROUPS} > {{GroupId}} > Inbound rules > Edit > Add rule",
    "RevokeSecurityGroupIngress": f"{GROUPS} > {{GroupId}} > Inbound rules > Edit > Delete",
    "DeleteSecurityGroup": f"{GROUPS} > {{GroupId}} > Actions > Delete security groups",
    "RunInstances": "EC2 > Instances > Launch instances",
    "StartInstances": f"{INSTANCE} > Start instance",
    "StopInstances": f"{INSTANCE} > Stop instance",
    "TerminateInstances": f"{INSTANCE} > Terminate (delete) instance",
    "CreateVolume": "EC2 > Elastic Block Store > Volumes > Create volume",
    "CreateSnapshot": (
        "EC2 > Elastic Block Store > Volumes > {VolumeId} > Actions > Create snapshot"
    ),
    "AttachVolume": "EC2 > Elastic Block Store > Volumes > {VolumeId} > Actions > Attach volume",
    "AllocateAddress": "EC2 > Network & Security > Elastic IPs > Allocate Elastic IP address",
    "AssociateAddress": (
        "EC2 > Network & Security > Elastic IPs > {AllocationId} > Actions > Associate"
    ),
    "ReleaseAddress": "EC2 > Network & Security > Elastic IPs > {AllocationId} > Actions > Release",
    "CreateImage": "EC2 > Instances > {InstanceId} > Actions > Image and templates > Create image",
    "CopyImage": "EC2 > Images > AMIs > {SourceImageId} > Actions > Copy AMI",
    "DeregisterImage": "EC2 > Images > AMIs > {ImageId} > Actions > Deregister AMI",
    "ModifyImageAttribute": "EC2 > Images > AMIs > {ImageId} > Actions > Edit AMI permissions",
    "ModifySnapshotAttribute": (
        "EC2 > Elastic Block Store > Snapshots > {SnapshotId} > Actions > Modify permissions"
    ),
    "DeleteSnapshot": (
        "EC2 > Elastic Block Store > Snapshots > {SnapshotId} > Actions > Delete snapshot"
    ),
    "CreateSchedule": "Amazon EventBridge > Scheduler > Schedules > Create schedule",
    "DeleteSchedule": "Amazon EventBridge > Scheduler > Schedules > {Name} > Delete",
    "CreateTags": "EC2 > the page of the thing > Tags > Manage tags",
    "GetConsoleOutput": (
        "EC2 > Instances > {InstanceId} > Actions > Monitor and troubleshoot > Get system log"
    ),
}


def place_of(operation: str, parameters: Mapping[str, Any]) -> str:
    """Return the way through the menus to what a call does; "" if none is known."""
    shown = {
        name: " and ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in parameters.items()
    }
    return PLACES.get(operation, "").format_map(shown)


def choices_of(operation: str, parameters: Mapping[str, Any]) -> str:
    """Return what is chosen in the form that the console shows there."""
    choose = CHOICES.get(operation)
    return choose(parameters) if choose else ""


def _of_launch(parameters: Mapping[str, Any]) -> str:
    disks = [mapping.get("Ebs", {}) for mapping in parameters.get("BlockDeviceMappings") or ()]
    sizes = ", ".join(f"{disk.get('VolumeSize')} GiB" for disk in disks)
    groups = [
        group
        for interface in parameters.get("NetworkInterfaces") or ()
        for group in interface.get("Groups", ())
    ]
    choices = (
        f"Application and OS Images: {parameters['ImageId']}",
        f"Instance type: {parameters['InstanceType']}",
        f"Key pair: {parameters.get('KeyName', 'proceed without one')}",
        f"Network settings: select the existing security group {' and '.join(groups)}",
        *([f"Configure storage: {sizes} of gp3"] if disks else ()),
    )
    return "; ".join(choices) + "."


def _of_shared_image(parameters: Mapping[str, Any]) -> str:
    added = parameters.get("LaunchPermission", {}).get("Add", ())
    named = ", ".join(str(value) for permission in added for value in permission.values())
    return f"Private; Shared accounts > Add account ID: {named}."


CHOICES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "ImportKeyPair": lambda given: f"Name: {given['KeyName']}; Browse: the public half of the key.",
    "CreateSecurityGroup": lambda given: f"Security group name: {given['GroupName']}.",
    "AuthorizeSecurityGroupIngress": lambda _: "Type: SSH; Source: My IP.",
    "RunInstances": _of_launch,
    "CreateImage": lambda given: f"Image name: {given['Name']}.",
    "ModifyImageAttribute": _of_shared_image,
}
