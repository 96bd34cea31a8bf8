"""What is recorded of a call's parameters and of its response.

Parameters are recorded by an allow list: of any other the record has a digest, so that it can be
compared and not read. Among those are user data, keys and addresses of people.
"""

import hashlib
import json
from typing import Any

from notebake.aws.tags import PREFIX

ALLOWED = frozenset(
    (
        *("AllocationId", "AssociationId", "ImageId", "InstanceId", "InstanceIds", "KeyPairId"),
        *("GroupId", "GroupIds", "GroupName", "KeyName", "NetworkInterfaceId", "Resources"),
        *("SecurityGroupIds", "SnapshotId", "SubnetId", "VolumeId", "VpcId"),
        *("AllowReassociation", "AssociatePublicIpAddress", "AvailabilityZone", "Attribute"),
        *("BlockDeviceMappings", "DeleteOnTermination", "Device", "DeviceName", "DeviceIndex"),
        *("Ebs", "Encrypted", "FromPort", "ToPort", "IpProtocol", "HttpEndpoint", "HttpTokens"),
        *("HttpPutResponseHopLimit", "InstanceInitiatedShutdownBehavior", "InstanceMetadataTags"),
        *("InstanceType", "Iops", "KmsKeyId", "LaunchPermission", "MaxCount", "MinCount"),
        *("MetadataOptions", "NetworkInterfaces", "NoDevice", "NoReboot", "OperationType"),
        *("Placement", "Size", "SnapshotIds", "Throughput", "VolumeSize", "VolumeType"),
        *("Add", "Remove", "UserId", "UserIds", "Group", "UserGroups", "OrganizationArn"),
        *("OrganizationalUnitArn", "Groups", "DryRun", "IpPermissions", "Tenancy"),
        *("SourceImageId", "SourceRegion", "CopyImageTags"),
        *("DeprecateAt", "DeleteAssociatedSnapshots"),
        *("ClientToken", "Key", "ResourceType", "TagSpecifications", "Tags"),
        *("Name", "Overwrite", "Type", "Tier", "ScheduleExpression", "State", "SkipOsShutdown"),
        *("ActionAfterCompletion", "FlexibleTimeWindow", "Mode", "ScheduleExpressionTimezone"),
    )
)
CREATED = {
    "RunInstances": ("Instances", "InstanceId"),
    "CopyImage": ("ImageId",),
    "CreateImage": ("ImageId",),
    "ImportKeyPair": ("KeyPairId",),
    "CreateSecurityGroup": ("GroupId",),
    "CreateVolume": ("VolumeId",),
    "CreateSnapshot": ("SnapshotId",),
    "AllocateAddress": ("AllocationId",),
}
"""Where the response to a creating call has the ids of what it created."""


def recordable(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters as they are recorded: what is not allowed by its name as a digest."""
    return {
        name: _plain(value) if name in ALLOWED else digest_of_value(value)
        for name, value in parameters.items()
    }


def created_ids(operation: str, response: dict[str, Any]) -> list[str]:
    """Return the ids of the resources that a call created."""
    found: list[Any] = [response] if operation in CREATED else []
    for name in CREATED.get(operation, ()):
        found = [each for part in found if name in part for each in _as_list(part[name])]
    return [str(resource_id) for resource_id in found]


def digest_of_value(value: Any) -> str:
    """Return the SHA-256 of a value, marked as such."""
    raw = value if isinstance(value, bytes) else None
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=repr)
    return f"sha256:{hashlib.sha256(raw or text.encode()).hexdigest()}"


def _plain(value: Any) -> Any:
    """Return an allowed value; inside of structures the allow list holds, too."""
    if isinstance(value, dict):
        return _tag(value) if value.keys() == {"Key", "Value"} else recordable(value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (str, int, bool)) else str(value)


def _tag(tag: dict[str, str]) -> dict[str, str]:
    """Return a tag; a value of the user's own tags may name a person."""
    is_own = tag["Key"].startswith(PREFIX) or tag["Key"] == "Name"
    return tag if is_own else {"Key": tag["Key"], "Value": digest_of_value(tag["Value"])}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
