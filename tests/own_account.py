"""What an account has, described so that two accounts can be compared."""

import time
from typing import Any

from notebake.aws import tags
from tests.limits import HANG_SECONDS

SET_AFTERWARDS = frozenset(
    (
        *(tags.EXPIRES, tags.SEALED, tags.BAKED, tags.RESTARTED, tags.ACCEPTED, tags.RECORD),
        *(tags.SHARED_RECORD, tags.HOST_KEY),
    )
)
"""Tags that notebake sets on things that exist; those of a seal are on an image from the start."""
MOVING = frozenset(("pending", "stopping", "shutting-down"))


def described(ec2: Any) -> dict[str, Any]:
    """Return the things of an account, what it had before, and its image's snapshots."""
    images = ec2.describe_images(Owners=["self"])["Images"]
    snapshots = {
        mapping["DeviceName"]: mapping["Ebs"]["SnapshotId"]
        for image in images
        for mapping in image["BlockDeviceMappings"]
        if "Ebs" in mapping
    }
    permissions = [
        permission
        for image in images
        for permission in ec2.describe_image_attribute(
            ImageId=image["ImageId"], Attribute="launchPermission"
        )["LaunchPermissions"]
    ]
    things = {
        "key pairs": _key_pairs(ec2),
        "groups": _groups(ec2),
        "instances": _instances(ec2),
        "images": [_image(image) for image in images],
        "volumes": _volumes(ec2),
        "snapshots": _snapshots(ec2),
        "permissions": permissions,
    }
    places = [
        *(vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]),
        *(each["SubnetId"] for each in sorted_subnets(ec2)),
        *sorted(each["ImageId"] for each in ec2.describe_images(Owners=["099720109477"])["Images"]),
    ]
    return {
        "things": things,
        "places": places,
        "snapshots": snapshots,
        "permissions": permissions,
    }


def settled(ec2: Any) -> None:
    """Wait until no machine and no image of an account is on its way to another state."""
    deadline = time.monotonic() + HANG_SECONDS
    while _states(ec2) & MOVING:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _states(ec2: Any) -> set[str]:
    machines = {instance["State"]["Name"] for instance in _every(ec2)}
    return machines | {image["State"] for image in ec2.describe_images(Owners=["self"])["Images"]}


def sorted_subnets(ec2: Any) -> list[dict[str, Any]]:
    """Return the subnets by their zones."""
    subnets: list[dict[str, Any]] = ec2.describe_subnets()["Subnets"]
    return sorted(subnets, key=lambda subnet: str(subnet["AvailabilityZone"]))


def _marks(found: dict[str, Any]) -> dict[str, str]:
    shown = tags.as_dict(found.get("Tags"))
    return {key: value for key, value in sorted(shown.items()) if key not in SET_AFTERWARDS}


def _key_pairs(ec2: Any) -> list[Any]:
    return [
        [each["KeyName"], each["KeyType"], each["KeyFingerprint"], _marks(each)]
        for each in sorted(ec2.describe_key_pairs()["KeyPairs"], key=lambda key: key["KeyName"])
    ]


def _groups(ec2: Any) -> list[Any]:
    return [
        [each["GroupName"], each["Description"], each["VpcId"], each["IpPermissions"], _marks(each)]
        for each in ec2.describe_security_groups()["SecurityGroups"]
        if each["GroupName"] != "default"
    ]


def _every(ec2: Any) -> list[dict[str, Any]]:
    reservations = ec2.describe_instances()["Reservations"]
    return [instance for each in reservations for instance in each["Instances"]]


def _instances(ec2: Any) -> list[Any]:
    there = [each for each in _every(ec2) if each["State"]["Name"] != "terminated"]
    return [
        [
            *(each.get(name) for name in ("InstanceType", "ImageId", "KeyName", "SubnetId")),
            *(each["MetadataOptions"][name] for name in ("HttpTokens", "HttpPutResponseHopLimit")),
            [group["GroupName"] for group in each["SecurityGroups"]],
            [
                [mapping["DeviceName"], mapping["Ebs"]["DeleteOnTermination"]]
                for mapping in each["BlockDeviceMappings"]
            ],
            _marks(each),
        ]
        for each in sorted(there, key=lambda each: str(_marks(each)))
    ]


def _image(image: dict[str, Any]) -> list[Any]:
    disks = [
        [mapping["DeviceName"], mapping["Ebs"]["VolumeSize"], mapping["Ebs"]["DeleteOnTermination"]]
        for mapping in image["BlockDeviceMappings"]
        if "Ebs" in mapping
    ]
    return [image["Name"], image["Description"], image["Public"], disks, _marks(image)]


def _device_of(volume: dict[str, Any]) -> str:
    return str(volume["Attachments"][0]["Device"]) if volume["Attachments"] else ""


def _volumes(ec2: Any) -> list[Any]:
    names = ("Size", "VolumeType", "Iops", "Throughput", "Encrypted")
    rows = [
        [*(each.get(name) for name in names), _device_of(each), _marks(each)]
        for each in ec2.describe_volumes()["Volumes"]
    ]
    return sorted(rows, key=str)


def _snapshots(ec2: Any) -> list[Any]:
    rows = [
        [
            each["VolumeSize"],
            ec2.describe_snapshot_attribute(
                SnapshotId=each["SnapshotId"], Attribute="createVolumePermission"
            )["CreateVolumePermissions"],
            _marks(each),
        ]
        for each in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    ]
    return sorted(rows, key=str)
