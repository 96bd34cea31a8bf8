"""Read-only queries about the account and its regions, used by preflight."""

from email.utils import parsedate_to_datetime
from typing import Any

from notebake.aws.clients import calling, connect
from notebake.aws.partitions import home_region
from notebake.aws.permissions import needs
from notebake.aws.policies import DESCRIBE, ENCRYPTION_KEY, KEY, SHARING, Statement
from notebake.aws.single_flight import LONG_SECONDS, SHORT_SECONDS, cached_per_region
from notebake.errors import CloudError
from notebake.record import Record

READ_DEFAULT_KEY = Statement(SHARING, "AskForDefaultKey", "which key disks get by default", ("*",))
DESCRIBE_DEFAULT_KEY = Statement(
    SHARING, "AskWhoseDefaultKey", "whether that key is AWS's own", ("arn:*:kms:*:*:key/*",)
)
DESCRIBE_KEY = Statement(
    ENCRYPTION_KEY, "LookAtKey", "whether it is enabled and fit for disks", KEY
)


class Caller(Record):
    """The identity of the credentials in use."""

    account: str
    arn: str

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]


def caller(region: str) -> Caller:
    """Return the identity of the credentials in use."""
    with calling("get the identity of the credentials"):
        answer = connect("sts", region).get_caller_identity()
    return Caller(account=answer["Account"], arn=answer["Arn"])


def read_time(region: str) -> float | None:
    """Return the time by AWS's clock, from the Date header of a call that needs no permission."""
    with calling("get the time from AWS"):
        answer = connect("sts", region).get_caller_identity()
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date).timestamp() if date else None


@needs("ec2:DescribeRegions", DESCRIBE, by_check=True)
@cached_per_region(SHORT_SECONDS)
def region_status(region: str) -> str | None:
    """Return a region's opt-in status, such as `opted-in`; None if there is no such region."""
    ec2 = connect("ec2", home_region(region))
    try:
        with calling(f"describe the region {region}"):
            found = ec2.describe_regions(AllRegions=True, RegionNames=[region])["Regions"]
    except CloudError as error:
        if error.code == "InvalidParameterValue":
            return None
        raise
    return str(found[0].get("OptInStatus", "")) if found else None


@needs("ec2:GetInstanceMetadataDefaults", DESCRIBE, by_check=True)
def instance_metadata_defaults(region: str) -> dict[str, Any]:
    """Return the account's defaults for the metadata service of new instances."""
    with calling(f"get the defaults of instance metadata in {region}"):
        answer = connect("ec2", region).get_instance_metadata_defaults()
    return dict(answer.get("AccountLevel", {}))


@needs("ec2:DescribeRouteTables", DESCRIBE, by_check=True)
@cached_per_region(SHORT_SECONDS)
def route_tables(vpc_id: str, region: str) -> list[dict[str, Any]]:
    """Return all route tables of a VPC."""
    wanted = [{"Name": "vpc-id", "Values": [vpc_id]}]
    with calling(f"describe the routes of {vpc_id}"):
        pages = connect("ec2", region).get_paginator("describe_route_tables")
        return [table for page in pages.paginate(Filters=wanted) for table in page["RouteTables"]]


@needs("ec2:DescribeVpcBlockPublicAccessOptions", DESCRIBE, by_check=True)
def public_access_blocked(region: str) -> str:
    """Return the account's mode of VPC Block Public Access; `off` if it blocks nothing."""
    with calling(f"describe the block of public access to VPCs in {region}"):
        answer = connect("ec2", region).describe_vpc_block_public_access_options()
    return str(answer["VpcBlockPublicAccessOptions"].get("InternetGatewayBlockMode", "off"))


@needs("ec2:DescribeVpcBlockPublicAccessExclusions", DESCRIBE, by_check=True)
def public_access_excluded(region: str) -> set[str]:
    """Return the ids of the VPCs and subnets excluded from the block in both directions."""
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    with calling(f"describe the exclusions from the block of public access in {region}"):
        # botocore has no paginator for it.
        while True:
            page = connect("ec2", region).describe_vpc_block_public_access_exclusions(**more)
            found += page["VpcBlockPublicAccessExclusions"]
            more = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}
            if not more:
                break
    return {
        str(exclusion["ResourceArn"]).rpartition("/")[2]
        for exclusion in found
        if exclusion.get("InternetGatewayExclusionMode") == "allow-bidirectional"
        and exclusion.get("State") in ("create-complete", "update-complete", "update-in-progress")
    }


@needs("ec2:DescribeInstanceTypeOfferings", DESCRIBE, by_check=True)
@cached_per_region(LONG_SECONDS)
def offered_zones(instance_type: str, region: str) -> set[str]:
    """Return the zones that offer an instance type; an unknown type has none."""
    with calling(f"describe the zones that offer {instance_type} in {region}"):
        answer = connect("ec2", region).describe_instance_type_offerings(
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": [instance_type]}],
        )
    return {str(offering["Location"]) for offering in answer["InstanceTypeOfferings"]}


@needs("ec2:DescribeInstanceTypes", DESCRIBE, by_check=True)
@cached_per_region(LONG_SECONDS)
def describe_type(instance_type: str, region: str) -> dict[str, Any]:
    """Return EC2's description of an instance type."""
    with calling(f"describe the instance type {instance_type}"):
        answer = connect("ec2", region).describe_instance_types(InstanceTypes=[instance_type])
    return dict(answer["InstanceTypes"][0])


@needs("ec2:GetEbsEncryptionByDefault", DESCRIBE, by_check=True)
def is_encrypted_by_default(region: str) -> bool:
    """Return whether the account encrypts every new volume by default."""
    with calling(f"get the default of disk encryption in {region}"):
        answer = connect("ec2", region).get_ebs_encryption_by_default()
    return bool(answer["EbsEncryptionByDefault"])


@needs("ec2:DescribeSnapshots", DESCRIBE, by_check=True)
def describe_snapshots(snapshot_ids: list[str], region: str) -> list[dict[str, Any]]:
    """Return EC2's description of snapshots."""
    with calling(f"describe the snapshots {', '.join(snapshot_ids)}"):
        answer = connect("ec2", region).describe_snapshots(SnapshotIds=snapshot_ids)
    return list(answer["Snapshots"])


@needs("ec2:GetEbsDefaultKmsKeyId", READ_DEFAULT_KEY, by_check=True)
def default_key(region: str) -> str:
    """Return the id of the account's default key for disks."""
    with calling(f"get the default key of disks in {region}"):
        return str(connect("ec2", region).get_ebs_default_kms_key_id()["KmsKeyId"])


@needs("kms:DescribeKey", DESCRIBE_DEFAULT_KEY, DESCRIBE_KEY, by_check=True)
def describe_key(key_id: str, region: str) -> dict[str, Any]:
    """Return KMS's description of a key."""
    with calling(f"describe the key {key_id} in {region}"):
        return dict(connect("kms", region).describe_key(KeyId=key_id)["KeyMetadata"])
