"""What preflight asks AWS: questions only, nothing is made."""

from typing import Any

from notebake.aws.clients import calling, connect


def caller_account(region: str) -> str:
    """Return the account that the credentials belong to."""
    with calling("ask AWS who we are"):
        return str(connect("sts", region).get_caller_identity()["Account"])


def offered_zones(instance_type: str, region: str) -> set[str]:
    """Return the zones in which an instance type is offered; none where it is unknown."""
    with calling(f"ask where {instance_type} is offered in {region}"):
        answer = connect("ec2", region).describe_instance_type_offerings(
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": [instance_type]}],
        )
    return {str(one["Location"]) for one in answer["InstanceTypeOfferings"]}


def describe_type(instance_type: str, region: str) -> dict[str, Any]:
    """Return EC2's description of an instance type."""
    with calling(f"describe the instance type {instance_type}"):
        answer = connect("ec2", region).describe_instance_types(InstanceTypes=[instance_type])
    return dict(answer["InstanceTypes"][0])


def is_encrypted_by_default(region: str) -> bool:
    """Tell whether the account encrypts every new volume, whatever is asked for."""
    with calling(f"ask whether {region} encrypts by default"):
        answer = connect("ec2", region).get_ebs_encryption_by_default()
    return bool(answer["EbsEncryptionByDefault"])


def describe_snapshots(snapshot_ids: list[str], region: str) -> list[dict[str, Any]]:
    """Return EC2's description of snapshots."""
    with calling(f"describe the snapshots {', '.join(snapshot_ids)}"):
        answer = connect("ec2", region).describe_snapshots(SnapshotIds=snapshot_ids)
    return list(answer["Snapshots"])
