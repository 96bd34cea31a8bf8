"""Calls about the account: its settings, and its key pairs, which moto keeps."""

from typing import Any

from sandbox.ec2.errors import ec2_error
from sandbox.ec2.model import Params
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications
from sandbox.ec2.storage.keys import EBS_ALIAS


def get_ebs_default_kms_key_id(region: Region, parameters: Params) -> dict[str, Any]:
    """GetEbsDefaultKmsKeyId."""
    region.check_dry_run(parameters)
    return {"KmsKeyId": region.network.default_kms_key_id or EBS_ALIAS}


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


def check_key_pair(region: Region, parameters: Params) -> None:
    """Raise EC2's error for a taken name: moto checks it only among keys of the same type."""
    read_tag_specifications(parameters, ["key-pair"])
    name = parameters["KeyName"]
    if name in region.network.key_pairs:
        raise ec2_error("InvalidKeyPair.Duplicate", f"The keypair '{name}' already exists.")


def check_key_names(region: Region, parameters: Params) -> None:
    """Raise EC2's error for a name that no key pair has."""
    for name in parameters.get("KeyNames", []):
        region.find_key_pair(name)


def delete_by_id(region: Region, parameters: Params) -> None:
    """Delete the key pair with the given id, which moto ignores."""
    for pair in list(region.network.key_pairs.values()):
        if pair.id == parameters.get("KeyPairId"):
            region.check_dry_run(parameters)
            del region.network.key_pairs[pair.key_name]
