"""The plan of a launch, checked as EC2 checks a request before it creates anything."""

import base64
import binascii
from dataclasses import dataclass

from sandbox.ec2.errors import check_known, ec2_error, invalid_value, missing, unsupported
from sandbox.ec2.instances.placement import Placement, choose_placement
from sandbox.ec2.instances.profiles import find_profile
from sandbox.ec2.instances.types import check_type
from sandbox.ec2.model import BlockDevice, Image, InstanceProfile, Params
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import SpecifiedTags, read_tag_specifications
from sandbox.ec2.storage.block_devices import launch_mapping

TAGGED_TYPES = ["instance", "volume", "network-interface"]
KNOWN = {
    "BlockDeviceMappings",
    "ClientToken",
    "CreditSpecification",
    "DisableApiStop",
    "DisableApiTermination",
    "DryRun",
    "EbsOptimized",
    "IamInstanceProfile",
    "ImageId",
    "InstanceInitiatedShutdownBehavior",
    "InstanceType",
    "KeyName",
    "MaxCount",
    "MetadataOptions",
    "MinCount",
    "Monitoring",
    "NetworkInterfaces",
    "Placement",
    "SecurityGroupIds",
    "SecurityGroups",
    "SubnetId",
    "TagSpecifications",
    "UserData",
}

KNOWN_INSIDE = {
    "MetadataOptions": {
        "HttpEndpoint",
        "HttpPutResponseHopLimit",
        "HttpTokens",
        "InstanceMetadataTags",
    },
    "Placement": {"AvailabilityZone", "Tenancy"},
}


@dataclass(frozen=True)
class LaunchPlan:
    """A launch that has been checked."""

    image: Image
    instance_type: str
    placement: Placement
    public_key: str | None
    profile: InstanceProfile | None
    user_data: bytes
    devices: list[BlockDevice]
    tags: SpecifiedTags
    count: int


def plan_launch(region: Region, parameters: Params) -> LaunchPlan:
    """Return the plan of a request. Raises EC2's errors; creates nothing."""
    check_known(parameters, KNOWN)
    for name, known in KNOWN_INSIDE.items():
        check_known(parameters.get(name, {}), known)
    if parameters.get("Placement", {}).get("Tenancy", "default") not in ("default", ""):
        raise unsupported("dedicated hardware")
    image = _find_launchable_image(region, parameters.get("ImageId", ""))
    instance_type = parameters.get("InstanceType", "m1.small")
    check_type(instance_type, image.architecture)
    if parameters.get("InstanceInitiatedShutdownBehavior", "stop") not in ("stop", "terminate"):
        value = parameters["InstanceInitiatedShutdownBehavior"]
        raise invalid_value(value, "instanceInitiatedShutdownBehavior")
    tags = read_tag_specifications(parameters, TAGGED_TYPES)
    return LaunchPlan(
        image=image,
        instance_type=instance_type,
        placement=choose_placement(region, parameters, instance_type, tags["instance"]),
        public_key=_find_public_key(region, parameters.get("KeyName")),
        profile=find_profile(region, parameters.get("IamInstanceProfile", {})),
        user_data=read_user_data(parameters.get("UserData")),
        devices=launch_mapping(region, image, parameters.get("BlockDeviceMappings", [])),
        tags=tags,
        count=_read_count(parameters),
    )


def _find_launchable_image(region: Region, image_id: str) -> Image:
    if not image_id:
        raise missing("ImageId")
    if image_id.startswith("resolve:ssm:"):
        raise unsupported("an image id from a parameter of Systems Manager")
    image = region.find_image(image_id)
    if image.state != "available":
        message = f"The image ID '{image_id}' is not available (it is {image.state})"
        raise ec2_error("InvalidAMIID.Unavailable", message)
    return image


def _find_public_key(region: Region, key_name: str | None) -> str | None:
    if not key_name:
        return None
    kind, blob = region.find_key_pair(key_name).public_key.split()[:2]
    return f"{kind} {blob} {key_name}"


def _read_count(parameters: Params) -> int:
    least, most = int(parameters["MinCount"]), int(parameters["MaxCount"])
    if not 1 <= least <= most:
        raise invalid_value(least, "minCount")
    return most


MAX_USER_DATA_BYTES = 16384


def read_user_data(encoded: str | None) -> bytes:
    """Return the raw user data. Raises EC2's error if it is not base64 or too long."""
    try:
        raw = base64.b64decode(encoded or "", validate=True)
    except binascii.Error:
        message = "Invalid BASE64 encoding of user data."
        raise ec2_error("InvalidParameterValue", message) from None
    if len(raw) > MAX_USER_DATA_BYTES:
        message = f"User data is limited to {MAX_USER_DATA_BYTES} bytes"
        raise ec2_error("InvalidParameterValue", message)
    return raw
