"""Settings of the account that calls can read."""

from typing import Any

from sandbox.ec2.model import Params
from sandbox.ec2.state.region import Region
from sandbox.ec2.storage.block_devices import key_in_force


def get_ebs_default_kms_key_id(region: Region, parameters: Params) -> dict[str, Any]:
    """GetEbsDefaultKmsKeyId."""
    region.check_dry_run(parameters)
    return {"KmsKeyId": key_in_force(region)}


def get_instance_metadata_defaults(region: Region, parameters: Params) -> dict[str, Any]:
    """GetInstanceMetadataDefaults: the account has set none."""
    region.check_dry_run(parameters)
    return {"AccountLevel": {}}


def describe_vpc_block(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeVpcBlockPublicAccessOptions: nothing is blocked."""
    region.check_dry_run(parameters)
    options = {
        "AwsAccountId": region.account_id,
        "AwsRegion": region.name,
        "State": "default-state",
        "InternetGatewayBlockMode": "off",
        "ManagedBy": "account",
        "ExclusionsAllowed": "allowed",
    }
    return {"VpcBlockPublicAccessOptions": options}


def describe_vpc_exclusions(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeVpcBlockPublicAccessExclusions: there are none."""
    region.check_dry_run(parameters)
    return {"VpcBlockPublicAccessExclusions": []}
