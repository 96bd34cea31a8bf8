"""The EC2 actions that the sandbox answers: its own, and those that it leaves to moto."""

from collections.abc import Callable
from typing import Any

from sandbox.ec2.calls import account, describe
from sandbox.ec2.images import attributes as image_attributes
from sandbox.ec2.images import create, state
from sandbox.ec2.instances import (
    attributes,
    console,
    elastic_addresses,
    launch,
    power,
    security_groups,
)
from sandbox.ec2.model import Params
from sandbox.ec2.state import tags
from sandbox.ec2.state.region import Region
from sandbox.ec2.storage import snapshots, volumes

Action = Callable[[Region, Params], dict[str, Any] | None]

OWN: dict[str, Action] = {
    "AllocateAddress": elastic_addresses.allocate_address,
    "AssociateAddress": elastic_addresses.associate_address,
    "AttachVolume": volumes.attach_volume,
    "CreateImage": create.create_image,
    "CreateSnapshot": snapshots.create_snapshot,
    "CreateTags": tags.create_tags,
    "CreateVolume": volumes.create_volume,
    "DeleteSnapshot": snapshots.delete_snapshot,
    "DeleteTags": tags.delete_tags,
    "DeleteVolume": volumes.delete_volume,
    "DeregisterImage": image_attributes.deregister_image,
    "DescribeAddresses": elastic_addresses.describe_addresses,
    "DisassociateAddress": elastic_addresses.disassociate_address,
    "ReleaseAddress": elastic_addresses.release_address,
    "DescribeImageReferences": state.describe_references,
    "DisableImage": state.disable_image,
    "DisableImageBlockPublicAccess": state.disable_block_public_access,
    "DisableImageDeprecation": state.disable_deprecation,
    "DisableImageDeregistrationProtection": state.disable_protection,
    "EnableImage": state.enable_image,
    "EnableImageBlockPublicAccess": state.enable_block_public_access,
    "EnableImageDeprecation": state.enable_deprecation,
    "EnableImageDeregistrationProtection": state.enable_protection,
    "GetImageBlockPublicAccessState": state.get_block_public_access,
    "DescribeImageAttribute": image_attributes.describe_image_attribute,
    "DescribeImages": describe.describe_images,
    "DescribeInstanceAttribute": attributes.describe_instance_attribute,
    "DescribeInstanceStatus": describe.describe_instance_status,
    "DescribeInstances": describe.describe_instances,
    "DescribeSnapshotAttribute": describe.describe_snapshot_attribute,
    "DescribeSnapshots": describe.describe_snapshots,
    "DescribeTags": describe.describe_tags,
    "DescribeVpcBlockPublicAccessExclusions": account.describe_vpc_exclusions,
    "DescribeVpcBlockPublicAccessOptions": account.describe_vpc_block,
    "DescribeVolumes": describe.describe_volumes,
    "DetachVolume": volumes.detach_volume,
    "GetConsoleOutput": console.get_console_output,
    "GetEbsDefaultKmsKeyId": account.get_ebs_default_kms_key_id,
    "GetInstanceMetadataDefaults": account.get_instance_metadata_defaults,
    "ModifyImageAttribute": image_attributes.modify_image_attribute,
    "ModifyInstanceAttribute": attributes.modify_instance_attribute,
    "ModifyInstanceMetadataOptions": attributes.modify_instance_metadata_options,
    "ModifySnapshotAttribute": snapshots.modify_snapshot_attribute,
    "RebootInstances": power.reboot_instances,
    "RunInstances": launch.run_instances,
    "StartInstances": power.start_instances,
    "StopInstances": power.stop_instances,
    "TerminateInstances": power.terminate_instances,
}

LEFT_TO_MOTO = frozenset(
    {
        "AssociateRouteTable",
        "AttachInternetGateway",
        "AuthorizeSecurityGroupEgress",
        "AuthorizeSecurityGroupIngress",
        "CreateInternetGateway",
        "CreateKeyPair",
        "CreateRoute",
        "CreateRouteTable",
        "CreateSecurityGroup",
        "CreateSubnet",
        "CreateVpc",
        "DeleteInternetGateway",
        "DeleteKeyPair",
        "DeleteRouteTable",
        "DeleteSecurityGroup",
        "DeleteSubnet",
        "DeleteVpc",
        "DescribeAccountAttributes",
        "DescribeAvailabilityZones",
        "DescribeInstanceTypeOfferings",
        "DescribeInstanceTypes",
        "DescribeInternetGateways",
        "DescribeKeyPairs",
        "DescribeNetworkInterfaces",
        "DescribeRegions",
        "DescribeRouteTables",
        "DescribeSecurityGroupRules",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeVpcs",
        "DetachInternetGateway",
        "DisableEbsEncryptionByDefault",
        "EnableEbsEncryptionByDefault",
        "GetEbsEncryptionByDefault",
        "ImportKeyPair",
        "ModifyEbsDefaultKmsKeyId",
        "ModifySubnetAttribute",
        "ModifyVpcAttribute",
        "RevokeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
    }
)


# Parameters that the sandbox would ignore and EC2 would not; RunInstances has its own list.
NOT_SUPPORTED: dict[str, set[str]] = {
    "AttachVolume": {"EbsCardIndex"},
    "CreateImage": {"BootModeOverride", "SnapshotLocation"},
    "CreateSnapshot": {"Location", "OutpostArn"},
    "CreateVolume": {
        "AvailabilityZoneId",
        "MultiAttachEnabled",
        "Operator",
        "OutpostArn",
        "VolumeInitializationRate",
    },
    "DescribeSnapshots": {"RestorableByUserIds"},
    "ModifyImageAttribute": {"OrganizationalUnitArns"},
    "ModifyInstanceAttribute": {
        "EnaSupport",
        "EnclaveOptions",
        "Kernel",
        "Ramdisk",
        "SourceDestCheck",
        "SriovNetSupport",
    },
    "ModifyInstanceMetadataOptions": {"HttpProtocolIpv6"},
    "StartInstances": {"AdditionalInfo"},
    "StopInstances": {"Force", "Hibernate", "SkipOsShutdown"},
}

# Checks before moto sees a call, and work that follows when moto has succeeded.
CHECKS: dict[str, Callable[[Region, Params], None]] = {
    "AuthorizeSecurityGroupIngress": security_groups.check_new_rules,
    "CreateKeyPair": account.check_key_pair,
    "CreateSecurityGroup": security_groups.check_new_group,
    "DeleteKeyPair": account.delete_by_id,
    "DeleteSecurityGroup": security_groups.check_unused,
    "DescribeKeyPairs": account.check_key_names,
    "ImportKeyPair": account.check_key_pair,
}
AFTERWARDS: dict[str, Callable[[Region], None]] = {
    "AuthorizeSecurityGroupIngress": security_groups.apply_rules,
    "RevokeSecurityGroupIngress": security_groups.apply_rules,
}
