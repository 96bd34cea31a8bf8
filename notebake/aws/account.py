"""What preflight asks AWS: questions only, nothing is made."""

from email.utils import parsedate_to_datetime
from typing import Any

from notebake.aws.clients import calling, connect
from notebake.aws.partitions import home_region
from notebake.aws.permissions import needs
from notebake.aws.policies import ENCRYPTION_KEY, KEY, LOOK, SHARING, Statement
from notebake.aws.single_flight import BRIEFLY_SECONDS, LONG_SECONDS, cached_per_region
from notebake.errors import CloudError
from notebake.record import Record

ASK_FOR_DEFAULT_KEY = Statement(
    SHARING, "AskForDefaultKey", "which key disks get by default", ("*",)
)
ASK_WHOSE_DEFAULT_KEY = Statement(
    SHARING, "AskWhoseDefaultKey", "whether that key is AWS's own", ("arn:*:kms:*:*:key/*",)
)
LOOK_AT_KEY = Statement(ENCRYPTION_KEY, "LookAtKey", "whether it is enabled and fit for disks", KEY)


class Caller(Record):
    """Whose credentials these are."""

    account: str
    arn: str

    @property
    def partition(self) -> str:
        """The second word of each of their ARNs."""
        return self.arn.split(":")[1]


def caller(region: str) -> Caller:
    """Return whose credentials these are."""
    with calling("ask AWS who we are"):
        answer = connect("sts", region).get_caller_identity()
    return Caller(account=answer["Account"], arn=answer["Arn"])


def read_time(region: str) -> float | None:
    """Return AWS's own seconds since 1970, from the date of an answer that nobody is denied."""
    with calling("ask AWS for the time"):
        answer = connect("sts", region).get_caller_identity()
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date).timestamp() if date else None


def region_status(region: str) -> str | None:
    """Return what a region is to this account, such as `opted-in`; None where there is none."""
    return _status_seen_from(region, home_region(region))


@needs("ec2:DescribeRegions", LOOK, by_check=True)
@cached_per_region(BRIEFLY_SECONDS)
def _status_seen_from(region: str, home: str) -> str | None:
    """Return what another region says of one."""
    ec2 = connect("ec2", home)
    try:
        with calling(f"ask whether {region} is enabled"):
            found = ec2.describe_regions(AllRegions=True, RegionNames=[region])["Regions"]
    except CloudError as error:
        if error.code == "InvalidParameterValue":
            return None
        raise
    return str(found[0].get("OptInStatus", "")) if found else None


@needs("ec2:GetInstanceMetadataDefaults", LOOK, by_check=True)
def instance_metadata_defaults(region: str) -> dict[str, Any]:
    """Return what the account has set for the metadata service of new machines."""
    with calling(f"ask for the defaults of instance metadata in {region}"):
        answer = connect("ec2", region).get_instance_metadata_defaults()
    return dict(answer.get("AccountLevel", {}))


@needs("ec2:DescribeRouteTables", LOOK, by_check=True)
@cached_per_region(BRIEFLY_SECONDS)
def route_tables(vpc_id: str, region: str) -> list[dict[str, Any]]:
    """Return all route tables of a VPC."""
    wanted = [{"Name": "vpc-id", "Values": [vpc_id]}]
    with calling(f"describe the routes of {vpc_id}"):
        pages = connect("ec2", region).get_paginator("describe_route_tables")
        return [one for page in pages.paginate(Filters=wanted) for one in page["RouteTables"]]


@needs("ec2:DescribeVpcBlockPublicAccessOptions", LOOK, by_check=True)
def public_access_blocked(region: str) -> str:
    """Return how the account blocks its VPCs' internet gateways: `off`, or which way."""
    with calling(f"ask whether {region} blocks public access to its VPCs"):
        answer = connect("ec2", region).describe_vpc_block_public_access_options()
    return str(answer["VpcBlockPublicAccessOptions"].get("InternetGatewayBlockMode", "off"))


@needs("ec2:DescribeVpcBlockPublicAccessExclusions", LOOK, by_check=True)
def public_access_excluded(region: str) -> set[str]:
    """Return the ids of the VPCs and subnets that such a block leaves open in both directions."""
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    with calling(f"ask what {region} excludes from its block of public access"):
        # botocore has no paginator for it.
        while True:
            page = connect("ec2", region).describe_vpc_block_public_access_exclusions(**more)
            found += page["VpcBlockPublicAccessExclusions"]
            more = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}
            if not more:
                break
    return {
        str(one["ResourceArn"]).rpartition("/")[2]
        for one in found
        if one.get("InternetGatewayExclusionMode") == "allow-bidirectional"
        and one.get("State") in ("create-complete", "update-complete", "update-in-progress")
    }


@needs("ec2:DescribeInstanceTypeOfferings", LOOK, by_check=True)
@cached_per_region(LONG_SECONDS)
def offered_zones(instance_type: str, region: str) -> set[str]:
    """Return the zones in which an instance type is offered; none where it is unknown."""
    with calling(f"ask where {instance_type} is offered in {region}"):
        answer = connect("ec2", region).describe_instance_type_offerings(
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": [instance_type]}],
        )
    return {str(one["Location"]) for one in answer["InstanceTypeOfferings"]}


@needs("ec2:DescribeInstanceTypes", LOOK, by_check=True)
@cached_per_region(LONG_SECONDS)
def describe_type(instance_type: str, region: str) -> dict[str, Any]:
    """Return EC2's description of an instance type."""
    with calling(f"describe the instance type {instance_type}"):
        answer = connect("ec2", region).describe_instance_types(InstanceTypes=[instance_type])
    return dict(answer["InstanceTypes"][0])


@needs("ec2:GetEbsEncryptionByDefault", LOOK, by_check=True)
def is_encrypted_by_default(region: str) -> bool:
    """Tell whether the account encrypts every new volume, whatever is asked for."""
    with calling(f"ask whether {region} encrypts by default"):
        answer = connect("ec2", region).get_ebs_encryption_by_default()
    return bool(answer["EbsEncryptionByDefault"])


@needs("ec2:DescribeSnapshots", LOOK, by_check=True)
def describe_snapshots(snapshot_ids: list[str], region: str) -> list[dict[str, Any]]:
    """Return EC2's description of snapshots."""
    with calling(f"describe the snapshots {', '.join(snapshot_ids)}"):
        answer = connect("ec2", region).describe_snapshots(SnapshotIds=snapshot_ids)
    return list(answer["Snapshots"])


@needs("ec2:GetEbsDefaultKmsKeyId", ASK_FOR_DEFAULT_KEY, by_check=True)
def default_key(region: str) -> str:
    """Return the key that disks are encrypted with where none is named."""
    with calling(f"ask for the default key of disks in {region}"):
        return str(connect("ec2", region).get_ebs_default_kms_key_id()["KmsKeyId"])


@needs("kms:DescribeKey", ASK_WHOSE_DEFAULT_KEY, LOOK_AT_KEY, by_check=True)
def describe_key(key_id: str, region: str) -> dict[str, Any]:
    """Return KMS's description of a key."""
    with calling(f"describe the key {key_id} in {region}"):
        return dict(connect("kms", region).describe_key(KeyId=key_id)["KeyMetadata"])
